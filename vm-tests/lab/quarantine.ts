import * as v from "valibot";
import { parse } from "yaml";
import { describeError } from "../../src/lib/errors.ts";
import { didYouMean } from "../../src/lib/nearest.ts";

/** A scenario whose failure does not fail a run for some time, and why. */
export type Quarantined = {
  /** Its short name. */
  readonly scenario: string;
  /** The last day, such as "2026-12-01". */
  readonly until: string;
  readonly why: string;
};

export type Quarantine = {
  /** What holds on that day. */
  readonly active: readonly Quarantined[];
  /** What is wrong with the list, one line each: entries that have expired or that no scenario has the name of. */
  readonly problems: readonly string[];
};

const schema = v.nullable(
  v.array(
    v.strictObject({
      scenario: v.string(),
      until: v.pipe(v.string(), v.isoDate("a day is written as 2026-12-31")),
      why: v.pipe(v.string(), v.minLength(10, "it must say why, in 10 characters at least")),
    }),
  ),
);

/** Reads a quarantine list as of a day ("2026-11-21"). What is wrong with it is told, and has no effect. */
export function readQuarantine(text: string, names: readonly string[], today: string): Quarantine {
  let data: unknown;
  try {
    data = parse(text, { schema: "failsafe" });
  } catch (error) {
    return { active: [], problems: [`quarantine.yaml is no YAML: ${describeError(error)}`] };
  }
  const result = v.safeParse(schema, data === "" ? null : data);
  if (!result.success) {
    const problems = result.issues.map((issue) => `quarantine.yaml: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
    return { active: [], problems };
  }
  const entries = result.output ?? [];
  const problems = entries.flatMap((entry) => problemsOf(entry, entries, names, today));
  return { active: entries.filter((entry) => problemsOf(entry, entries, names, today).length === 0), problems };
}

function problemsOf(
  { scenario, until, why }: Quarantined,
  entries: readonly Quarantined[],
  names: readonly string[],
  today: string,
): readonly string[] {
  const about = `the quarantine of "${scenario}"`;
  if (!names.includes(scenario))
    return [`${about} is of no scenario${didYouMean(scenario, names)}: remove it from vm-tests/quarantine.yaml`];
  if (entries.filter((entry) => entry.scenario === scenario).length > 1) return [`${about} stands there twice`];
  // Days in this form are ordered as texts are.
  if (until < today) return [`${about} expired on ${until} (${why}): mend the scenario, or say why it needs longer`];
  return [];
}
