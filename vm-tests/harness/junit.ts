import type { ScenarioReport } from "./report.ts";
import { type RunReport, escapeMarkup as e, tally } from "./run-report.ts";

/**
 * A run as JUnit XML, in the form that CI systems agree upon (https://github.com/testmoapp/junitxml): a suite for the run, a
 * case for each scenario with its steps as output, and a case for each problem beside them.
 */
export function junitXml(run: RunReport): string {
  const { passed, failed, skipped } = tally(run);
  const counts = `tests="${passed + failed + skipped}" failures="${failed}" errors="0" skipped="${skipped}"`;
  const about = `name="netloom labs" ${counts} time="${run.seconds.toFixed(3)}" timestamp="${e(run.started)}"`;
  const problems = run.problems.map(
    (problem) =>
      `    <testcase classname="runner" name="${e(firstLine(problem))}" time="0"><failure message="${e(firstLine(problem))}">${e(problem)}</failure></testcase>`,
  );
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites ${about}>`,
    `  <testsuite ${about}>`,
    ...run.scenarios.map(({ report }) => testCase(report)),
    ...problems,
    `  </testsuite>`,
    `</testsuites>`,
    "",
  ].join("\n");
}

function testCase(report: ScenarioReport): string {
  const { file, title, seconds, seed, group, accelerator, host, failure, reason, outcome, steps, replay } = report;
  const properties = {
    seed: String(seed),
    group,
    replay,
    accelerator: accelerator?.accel ?? "unknown",
    "load average": `${host.loadBefore.join(" ")} before, ${host.loadAfter.join(" ")} after`,
    "timeouts multiplied by": String(host.patience),
  };
  const said = steps.map(
    ({ name, ok, start, end, detail }) =>
      `${ok ? "ok" : "FAILED"} ${(end - start).toFixed(1)} s ${name}${detail === "" ? "" : `: ${detail}`}`,
  );
  return [
    `    <testcase classname="${e(file)}" name="${e(title)}" time="${seconds.toFixed(3)}">`,
    `      <properties>`,
    ...Object.entries(properties).map(([name, value]) => `        <property name="${e(name)}" value="${e(value)}"/>`),
    `      </properties>`,
    ...(outcome === "skipped" ? [`      <skipped message="${e(reason ?? "")}"/>`] : []),
    ...(outcome === "failed"
      ? [
          `      <failure message="${e(failure?.summary ?? "")}">${e(`${failure?.text ?? ""}\nrun it again: ${replay}`)}</failure>`,
        ]
      : []),
    `      <system-out>${e(said.join("\n"))}</system-out>`,
    `    </testcase>`,
  ].join("\n");
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
