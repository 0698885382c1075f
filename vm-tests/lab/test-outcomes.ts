import type { ScenarioReport } from "../harness/report.ts";
import type { RanScenario } from "../harness/run-report.ts";
import type { ScenarioEntry } from "../harness/scenario-list.ts";
import type { TestCounts } from "../../scripts/lib/tap.ts";
import type { Quarantined } from "./quarantine.ts";

/** What a scenario left in its directory. */
export type LeftBehind = Omit<RanScenario, "report"> & { readonly report?: ScenarioReport };

/** What a run of the test runner left: its own counts, and the report of each scenario that wrote one. */
export type RawRun = {
  readonly scenarios: readonly ScenarioEntry[];
  readonly reports: ReadonlyMap<string, LeftBehind>;
  readonly counts: TestCounts;
  /** The end of what it said, for when there is nothing else to go by. */
  readonly said: string;
  readonly code: number;
  readonly interrupted: boolean;
  readonly seed: number;
  readonly started: string;
};

export type Judged = { readonly scenarios: readonly RanScenario[]; readonly problems: readonly string[] };

/**
 * What came of each scenario. One without a report has failed, and so has one that the test runner says has; one that is
 * quarantined counts as skipped then. What failed and belongs to no scenario is a problem of the run.
 */
export function judge(run: RawRun, quarantine: readonly Quarantined[]): Judged {
  const taken = new Set<string>();
  const scenarios = run.scenarios.map((entry): RanScenario => {
    const said = run.counts.failures.filter((failure) => isOf(failure, entry.title));
    for (const failure of said) taken.add(failure);
    const { report, ...where } = run.reports.get(entry.name) ?? { directory: "" };
    return { ...where, report: excuse(verdict(run, entry, report, said), quarantine) };
  });
  const problems = run.counts.failures.filter((failure) => !taken.has(failure)).map((failure) => failure.trim());
  const allFine = scenarios.every(({ report }) => report.outcome !== "failed") && problems.length === 0;
  const ended = `the test runner ended with ${run.code}\n${run.said}`;
  const excused = scenarios.some(({ report }) => report.outcome === "skipped");
  if (run.code !== 0 && !run.interrupted && allFine && !excused) return { scenarios, problems: [ended] };
  return { scenarios, problems };
}

/** A failure begins with its title, behind the name of its file where there are several. */
function isOf(failure: string, title: string): boolean {
  const first = failure.split("\n", 1)[0] ?? "";
  return first === title || first.endsWith(` › ${title}`);
}

function verdict(
  run: RawRun,
  entry: ScenarioEntry,
  report: ScenarioReport | undefined,
  said: readonly string[],
): ScenarioReport {
  if (report === undefined) {
    const why = run.interrupted
      ? "the run was interrupted before it ended"
      : "it ended without a report: what the test runner said is all there is";
    return unreported(run, entry, why, said.join("\n") || run.said);
  }
  if (report.outcome === "failed" || said.length === 0) return report;
  return { ...report, outcome: "failed", failure: { summary: "it failed after its end", text: said.join("\n") } };
}

function excuse(report: ScenarioReport, quarantine: readonly Quarantined[]): ScenarioReport {
  const entry = quarantine.find(({ scenario }) => scenario === report.scenario);
  if (report.outcome !== "failed" || entry === undefined) return report;
  const reason = `quarantined until ${entry.until}: ${entry.why}; it failed: ${report.failure?.summary ?? ""}`;
  return { ...report, outcome: "skipped", reason };
}

function unreported(run: RawRun, entry: ScenarioEntry, summary: string, text: string): ScenarioReport {
  return {
    version: 2,
    scenario: entry.name,
    title: entry.title,
    file: entry.file,
    group: entry.group,
    outcome: "failed",
    failure: { summary, text: `${summary}\n${text}`.trimEnd() },
    started: run.started,
    seconds: 0,
    seed: run.seed,
    replay: `npm run lab -- test ${entry.file} --seed ${run.seed}`,
    host: { cpus: 0, loadBefore: [], loadAfter: [], patience: 1 },
    steps: [],
    events: [],
    nodes: [],
    links: [],
    files: [],
  };
}
