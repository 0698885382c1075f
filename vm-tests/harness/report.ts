import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { AccelVerdict } from "./accel.ts";
import type { LabEvent } from "./lab-event.ts";
import { reportText } from "./report-text.ts";
import type { Group } from "./scenario-list.ts";

/** Something that was to be proven. */
export type ReportStep = {
  readonly name: string;
  /** Seconds since the scenario began. */
  readonly start: number;
  readonly end: number;
  readonly ok: boolean;
  /** What was seen; the reason when it failed. */
  readonly detail: string;
};

/** Something that happened in the lab, in seconds since the scenario began. */
export type ReportEvent = LabEvent & { readonly at: number };

/** What report.json holds. Readers may rely on it; `version` changes when they no longer can. */
export type ScenarioReport = {
  readonly version: 2;
  /** Its short name, that of its directory. */
  readonly scenario: string;
  readonly title: string;
  /** Relative to the repository. */
  readonly file: string;
  readonly group: Group;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it was skipped. */
  readonly reason?: string;
  /** In one line, and what a person needs first: the error, the last console lines, files. */
  readonly failure?: { readonly summary: string; readonly text: string };
  /** ISO 8601 */
  readonly started: string;
  readonly seconds: number;
  readonly seed: number;
  /** The command that runs the same again. */
  readonly replay: string;
  readonly accelerator?: AccelVerdict;
  /** Load over 1, 5 and 15 minutes; `patience` is what timeouts were multiplied by when it began. */
  readonly host: {
    readonly cpus: number;
    readonly loadBefore: readonly number[];
    readonly loadAfter: readonly number[];
    readonly patience: number;
  };
  readonly steps: readonly ReportStep[];
  readonly events: readonly ReportEvent[];
  readonly nodes: readonly { readonly name: string; readonly console?: string }[];
  readonly links: readonly { readonly name: string; readonly network: string; readonly capture?: string }[];
  /** Other files, such as the picture: relative to the directory of the report, as are consoles and captures. */
  readonly files: readonly string[];
};

const seconds = v.pipe(v.number(), v.minValue(0));
const text = v.string();

const schema: v.GenericSchema<unknown, ScenarioReport> = v.strictObject({
  version: v.literal(2),
  scenario: text,
  title: text,
  file: text,
  group: v.picklist(["smoke", "full"]),
  outcome: v.picklist(["passed", "failed", "skipped"]),
  reason: v.exactOptional(text),
  failure: v.exactOptional(v.strictObject({ summary: text, text })),
  started: v.pipe(text, v.isoTimestamp()),
  seconds,
  seed: v.number(),
  replay: text,
  accelerator: v.exactOptional(
    v.strictObject({ accel: v.picklist(["kvm", "tcg"]), provenBy: text, bootSeconds: v.exactOptional(seconds) }),
  ),
  host: v.strictObject({
    cpus: v.number(),
    loadBefore: v.array(v.number()),
    loadAfter: v.array(v.number()),
    patience: v.number(),
  }),
  steps: v.array(v.strictObject({ name: text, start: seconds, end: seconds, ok: v.boolean(), detail: text })),
  events: v.array(
    v.strictObject({
      at: seconds,
      of: text,
      what: v.picklist(["boot", "up", "reset", "panic", "off", "link"]),
      detail: v.exactOptional(text),
    }),
  ),
  nodes: v.array(v.strictObject({ name: text, console: v.exactOptional(text) })),
  links: v.array(v.strictObject({ name: text, network: text, capture: v.exactOptional(text) })),
  files: v.array(text),
});

const fileName = "report.json";

/** Writes report.json into a directory, and report.txt for people; gives the path of the first. */
export async function writeReport(directory: string, report: ScenarioReport): Promise<string> {
  const file = join(directory, fileName);
  await writeFile(join(directory, "report.txt"), `${reportText(report)}\n`);
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  return file;
}

/** Reads report.json of a directory; undefined when there is none. @throws when it is not such a report. */
export async function readReport(directory: string): Promise<ScenarioReport | undefined> {
  const file = join(directory, fileName);
  const content = await readFile(file, "utf8").catch(() => undefined);
  if (content === undefined) return undefined;
  const result = v.safeParse(schema, JSON.parse(content));
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Error(`${file} is no report of version 2: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
}
