import { appendFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../../scripts/lib/ownership.ts";
import type { TestCounts } from "../../scripts/lib/tap.ts";
import { describeAccelerator, describeSpeed } from "../harness/accel.ts";
import { htmlPage } from "../harness/html.ts";
import { junitXml } from "../harness/junit.ts";
import { type RanScenario, type RunReport, tally } from "../harness/run-report.ts";
import { tapText } from "../harness/tap.ts";

/** Writes index.html, junit.xml and report.tap into a directory. */
export async function writeOutputs(run: RunReport, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "index.html"), htmlPage(run, directory));
  await writeFile(join(directory, "junit.xml"), junitXml(run));
  await writeFile(join(directory, "report.tap"), tapText(run));
}

/** The results of a run in the form in which all checks are counted. */
export function countsOf(run: RunReport): TestCounts {
  const failures = run.scenarios.flatMap(({ report }) =>
    report.outcome === "failed"
      ? [`${report.title} (seed ${report.seed})\n${report.failure?.text ?? ""}\nrun it again: ${report.replay}`]
      : [],
  );
  const skips = run.scenarios.flatMap(({ report }) =>
    report.outcome === "skipped" ? [`${report.title}: ${report.reason ?? ""}`] : [],
  );
  return { ...tally(run), failures: [...failures, ...run.problems], skips };
}

/** What the scenarios ran on, in one line: the accelerator and why, its speed, the load meanwhile. Empty when none ran. */
export function machineText({ scenarios }: RunReport): string {
  const reports = scenarios.map(({ report }) => report);
  const accelerator = reports.find((report) => report.accelerator !== undefined)?.accelerator;
  if (accelerator === undefined) return "";
  const loads = reports.flatMap(({ host }) => [host.loadBefore[0] ?? 0, host.loadAfter[0] ?? 0]);
  const load = `load ${Math.min(...loads)} to ${Math.max(...loads)}`;
  const patience = `timeouts x ${Math.max(...reports.map(({ host }) => host.patience))} at most`;
  return [describeAccelerator(accelerator), describeSpeed(accelerator), load, patience].filter(Boolean).join("; ");
}

/**
 * Adds what failed to the page of a job where the CI system shows one (https://docs.github.com/actions: GITHUB_STEP_SUMMARY); of
 * a run without failures the counts only.
 */
export async function addJobSummary(run: RunReport, file: string): Promise<void> {
  const { passed, failed, skipped } = tally(run);
  const failures = run.scenarios.filter(({ report }) => report.outcome === "failed");
  const blocks = [
    ...failures.map(({ report }) =>
      block(report.title, `${report.failure?.text ?? ""}\nrun it again: ${report.replay}`),
    ),
    ...run.problems.map((problem) => block("beside the scenarios", problem)),
  ];
  await appendFile(file, `### Labs: ${passed} passed, ${failed} failed, ${skipped} skipped\n\n${blocks.join("\n")}`);
}

/** Text as Markdown that shows it as it is: the fence is longer than any in it. */
function block(title: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/gu)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `#### ${title.replaceAll(/[\\`*_[\]<>&\n]/gu, (char) => (char === "\n" ? " " : `\\${char}`))}\n\n${fence}\n${text.trimEnd()}\n${fence}\n`;
}

/** Removes what a scenario that did not fail left, but for its report; gives it without what is gone. */
export async function thin({ report, directory }: RanScenario): Promise<RanScenario> {
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names) if (name !== "report.json") await removeTree(join(directory, name));
  const nodes = report.nodes.map(({ name }) => ({ name }));
  const links = report.links.map(({ name, network }) => ({ name, network }));
  return { directory, report: { ...report, nodes, links, files: [] } };
}
