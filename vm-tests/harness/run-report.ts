import type { ScenarioReport } from "./report.ts";

/** A scenario that was run, with where it left its files. */
export type RanScenario = {
  readonly report: ScenarioReport;
  /** Its directory: what the paths in its report are relative to. */
  readonly directory: string;
  /** The text of its topology.svg. */
  readonly picture?: string;
};

/** A whole run, which JUnit, TAP and HTML are made of. */
export type RunReport = {
  /** What was typed, such as "npm run lab -- test --group full". */
  readonly command: string;
  /** ISO 8601 */
  readonly started: string;
  readonly seconds: number;
  readonly scenarios: readonly RanScenario[];
  /** What failed beside the scenarios, such as a file that could not be loaded or an expired quarantine. */
  readonly problems: readonly string[];
};

/** How many there are of each outcome; a problem beside the scenarios counts as failed. */
export type Tally = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** Counts a run. */
export function tally({ scenarios, problems }: RunReport): Tally {
  const of = (outcome: ScenarioReport["outcome"]): number =>
    scenarios.filter(({ report }) => report.outcome === outcome).length;
  return { passed: of("passed"), failed: of("failed") + problems.length, skipped: of("skipped") };
}

/** Characters that neither XML nor HTML can hold, however they are written: https://www.w3.org/TR/xml/#charsets */
// eslint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/gu;

/** A text for the content or an attribute of XML or HTML. */
export function escapeMarkup(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text
    .toWellFormed()
    .replace(unprintable, "\uFFFD")
    .replace(/[&<>"']/gu, (char) => entities[char] ?? char);
}
