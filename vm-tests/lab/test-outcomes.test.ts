import test from "ava";
import { noTests } from "../../scripts/lib/tap.ts";
import { sampleReport } from "../harness/report-sample.ts";
import type { ScenarioEntry } from "../harness/scenario-list.ts";
import { type RawRun, judge } from "./test-outcomes.ts";

const entry: ScenarioEntry = {
  name: "three-nodes",
  title: "three nodes",
  file: "vm-tests/scenarios/three-nodes.vm.test.ts",
  group: "smoke",
};
const other: ScenarioEntry = { ...entry, name: "other", title: "nodes", file: "vm-tests/scenarios/other.vm.test.ts" };
const failed = { ...sampleReport, outcome: "failed", failure: { summary: "no answer", text: "no answer\n|" } } as const;
const passing: RawRun = {
  scenarios: [entry],
  reports: new Map([["three-nodes", { directory: "/labs/three-nodes", report: sampleReport }]]),
  counts: { ...noTests, passed: 1 },
  said: "",
  code: 0,
  interrupted: false,
  seed: 7,
  started: sampleReport.started,
};
const withReport = (report: typeof sampleReport): RawRun["reports"] =>
  new Map([["three-nodes", { directory: "/x", report }]]);
const outcomes = (run: RawRun): readonly string[] => judge(run, []).scenarios.map(({ report }) => report.outcome);

test("a scenario that reports that it passed has passed, if the test runner agrees", (t) => {
  t.deepEqual(judge(passing, []), {
    scenarios: [{ directory: "/labs/three-nodes", report: sampleReport }],
    problems: [],
  });
  const counts = { ...noTests, failed: 1, failures: ["three-nodes › three nodes\nafter its end"] };
  const late = judge({ ...passing, counts, code: 1 }, []);
  t.like(late.scenarios[0]?.report, {
    outcome: "failed",
    failure: { text: "three-nodes › three nodes\nafter its end" },
  });
  t.deepEqual(late.problems, []);
});

test("a scenario that left no report has failed, with what the test runner said and how to run it again", (t) => {
  const run: RawRun = {
    ...passing,
    reports: new Map([["three-nodes", { directory: "/x" }]]),
    code: 1,
    said: "it crashed",
  };
  const { scenarios, problems } = judge(run, []);
  t.like(scenarios[0]?.report, { outcome: "failed", seed: 7, replay: `npm run lab -- test ${entry.file} --seed 7` });
  t.regex(scenarios[0]?.report.failure?.text ?? "", /it crashed/u);
  t.deepEqual(problems, []);
});

test("a failure is that of the scenario with exactly its title; what is of none is a problem", (t) => {
  const counts = {
    ...noTests,
    failed: 2,
    failures: ["other › nodes\nno", "vm-tests/x exited with a non-zero exit code\nwhy"],
  };
  const reports = new Map([...passing.reports, ["other", { directory: "/o", report: sampleReport }] as const]);
  const judged = judge({ ...passing, scenarios: [entry, other], reports, counts, code: 1 }, []);
  t.deepEqual(
    judged.scenarios.map(({ report }) => report.outcome),
    ["passed", "failed"],
  );
  t.deepEqual(judged.problems, ["vm-tests/x exited with a non-zero exit code\nwhy"]);
});

test("a test runner that fails without a reason is a problem, unless somebody interrupted it", (t) => {
  t.deepEqual(judge({ ...passing, code: 3, said: "bad option" }, []).problems, [
    "the test runner ended with 3\nbad option",
  ]);
  t.deepEqual(judge({ ...passing, code: 130, interrupted: true }, []).problems, []);
});

test("a failure in quarantine is skipped and says until when and why; a success is a success", (t) => {
  const quarantine = [{ scenario: "three-nodes", until: "2026-12-01", why: "the switch is slow" }];
  const run: RawRun = { ...passing, reports: withReport(failed), code: 1 };
  t.deepEqual(outcomes(run), ["failed"]);
  const { report } = judge(run, quarantine).scenarios[0] ?? {};
  t.is(report?.outcome, "skipped");
  t.is(report?.reason, "quarantined until 2026-12-01: the switch is slow; it failed: no answer");
  t.deepEqual(judge(run, quarantine).problems, []);
  t.is(judge(passing, quarantine).scenarios[0]?.report.outcome, "passed");
  t.is(
    judge(run, [{ ...quarantine[0], scenario: "other", until: "", why: "" }]).scenarios[0]?.report.outcome,
    "failed",
  );
});
