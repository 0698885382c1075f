import type { ScenarioReport } from "./report.ts";
import type { RunReport } from "./run-report.ts";

/** A run as TAP 14 (https://testanything.org/tap-version-14-specification.html): a test each scenario, a subtest each step. */
export function tapText({ scenarios, problems }: RunReport): string {
  const cases = [
    ...scenarios.map(({ report }, index) => scenarioLines(report, index + 1)),
    ...problems.map((problem, index) => [
      `not ok ${scenarios.length + index + 1} - ${description(problem.split("\n", 1)[0] ?? "")}`,
      ...diagnostics("  ", { message: problem }),
    ]),
  ];
  return ["TAP version 14", `1..${cases.length}`, ...cases.flat(), ""].join("\n");
}

function scenarioLines(report: ScenarioReport, number: number): readonly string[] {
  const { title, steps, outcome, reason, failure, replay, seed, seconds } = report;
  const skip = outcome === "skipped" ? ` # SKIP ${description(reason ?? "")}` : "";
  return [
    `# Subtest: ${oneLine(title)}`,
    ...steps.flatMap(({ name, ok, detail, start, end }, index) => [
      `    ${ok ? "ok" : "not ok"} ${index + 1} - ${description(name)}`,
      ...diagnostics("      ", { seconds: end - start, ...(detail === "" ? {} : { detail }) }),
    ]),
    `    1..${steps.length}`,
    `${outcome === "failed" ? "not ok" : "ok"} ${number} - ${description(title)}${skip}`,
    ...diagnostics("  ", { seconds, seed, replay, ...(failure === undefined ? {} : { message: failure.text }) }),
  ];
}

/** A YAML block. JSON is YAML, and keeps a text with line ends or colons what it is. */
function diagnostics(indent: string, values: Readonly<Record<string, string | number>>): readonly string[] {
  const lines = Object.entries(values).map(
    ([key, value]) =>
      `${indent}${key}: ${typeof value === "number" ? Number(value.toFixed(3)) : JSON.stringify(value)}`,
  );
  return [`${indent}---`, ...lines, `${indent}...`];
}

/** A description: "#" would begin a directive, and a backslash escapes. */
function description(text: string): string {
  return oneLine(text).replaceAll(/[\\#]/gu, "\\$&");
}

function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001F]+/gu, " ").trim();
}
