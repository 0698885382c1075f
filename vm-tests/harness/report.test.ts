import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { LabError } from "./lab-error.ts";
import { reportText } from "./report-text.ts";
import { readReport, writeReport } from "./report.ts";
import { sampleReport } from "./report-sample.ts";
import { Timeline } from "./timeline.ts";

test("a timeline has each step with its seconds and what was seen, and what happened to nodes", async (t) => {
  const lines: string[] = [];
  const timeline = new Timeline((line) => lines.push(line));
  t.is(await timeline.step("every node has its address", async () => "3 of 3"), "3 of 3");
  t.deepEqual(await timeline.step("they are counted", () => [1, 2]), [1, 2]);
  timeline.note({ of: "n1", what: "reset" });
  const failing = timeline.step("all pairs answer", () =>
    Promise.reject(new LabError("n2: no answer", { node: "n2", console: ["the reason"], files: [] })),
  );
  await t.throwsAsync(failing, { instanceOf: LabError });
  t.like(timeline.steps, [
    { name: "every node has its address", ok: true, detail: "3 of 3" },
    { name: "they are counted", ok: true, detail: "" },
    { name: "all pairs answer", ok: false, detail: "n2: no answer" },
  ]);
  t.like(timeline.events, [{ of: "n1", what: "reset" }]);
  t.true(timeline.steps.every(({ start, end }) => start <= end));
  t.regex(lines[0] ?? "", /^ok {1,8}\d+\.\d s {2}every node has its address$/u);
});

test("a report is read as it was written, and what is none is refused with the place", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "netloom-report-"));
  t.teardown(() => rm(directory, { recursive: true }));
  t.is(await readReport(directory), undefined);
  const file = await writeReport(directory, sampleReport);
  t.deepEqual(await readReport(directory), sampleReport);
  const text = await readFile(file, "utf8");
  for (const [from, to, place] of [
    ['"version": 2', '"version": 1', /version/u],
    ['"outcome": "passed"', '"outcome": "fine"', /outcome/u],
    ['"start": 0', '"start": "0"', /steps\.0\.start/u],
    ['"what": "boot"', '"what": "dance"', /events\.0\.what/u],
    ['"seed": 7', '"seed": 7, "colour": "red"', /colour/u],
  ] as const) {
    t.true(text.includes(from), from);
    await writeFile(file, text.replace(from, to));
    await t.throwsAsync(readReport(directory), { message: place }, to);
  }
});

test("the table has a row a step; what is long stands below its row", (t) => {
  const reason = "first NIC with carrier and a lease".repeat(3);
  const long = { name: "node1 gets an address", start: 3, end: 4.5, ok: true, detail: `eth0 192.0.2.7/24; ${reason}` };
  const text = reportText({ ...sampleReport, steps: [...sampleReport.steps, long] });
  t.regex(text, /ok +2\.5 s {2}every node has its address: 3 of 3/u);
  t.regex(text, /software emulation \(tcg\): this machine has no \/dev\/kvm/u);
  t.regex(text, new RegExp(`1\\.5 s {2}node1 gets an address\n {17}eth0 192\\.0\\.2\\.7/24\n {17}${reason}\n`, "u"));
  t.regex(text, /2 of 2 hold, 12 s$/u);
});

test("the table of a failure ends with its evidence and how to run it again", (t) => {
  const failure = { summary: "n2: no answer", text: "n2: no answer from n3\n  | [2.0] the reason" };
  const step = { name: "all pairs answer", start: 0, end: 1, ok: false, detail: "n2: no answer" };
  const text = reportText({ ...sampleReport, outcome: "failed", failure, steps: [step] });
  t.regex(text, /FAILED +1\.0 s {2}all pairs answer: n2: no answer/u);
  t.regex(text, /\| \[2\.0\] the reason\nrun it again: npm run lab -- test .* --seed 7$/u);
});
