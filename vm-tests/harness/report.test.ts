import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { LabError } from "./lab-error.ts";
import { Report, type ReportFile } from "./report.ts";

const init = {
  title: "three nodes",
  accelerator: { accel: "tcg", provenBy: "this machine has no /dev/kvm" },
  seed: 7,
  replay: "npm start -- --seed 7",
} as const;

test("prints what was proven and writes it", async (t) => {
  const report = new Report(init);
  await report.step("every node has its address", async () => "3 of 3");
  t.true(report.ok);
  t.regex(report.text(), /ok +0\.0 s {2}every node has its address: 3 of 3/);
  t.regex(report.text(), /software emulation \(tcg\): this machine has no \/dev\/kvm/);
  t.regex(report.text(), /1 of 1 hold/);
  const directory = await mkdtemp(join(tmpdir(), "netloom-report-"));
  const file = JSON.parse(await readFile(await report.write(directory), "utf8")) as ReportFile;
  await rm(directory, { recursive: true });
  t.like(file, {
    version: 1,
    ok: true,
    seed: 7,
    rows: [{ name: "every node has its address", ok: true, detail: "3 of 3" }],
  });
});

test("tells of a step in one short line, and puts what is long below its row", async (t) => {
  const lines: string[] = [];
  const report = new Report({ ...init, onProgress: (line) => lines.push(line) });
  const reason = "first NIC with carrier and a lease".repeat(3);
  await report.step("node1 gets an address", async () => `eth0 192.0.2.7/24; ${reason}`);
  t.deepEqual(lines, ["ok        0.0 s  node1 gets an address"]);
  t.regex(report.text(), new RegExp(`node1 gets an address\n {17}eth0 192\\.0\\.2\\.7/24\n {17}${reason}\n`));
});

test("a failure shows the row, the console of the node concerned, and how to replay it", async (t) => {
  const report = new Report(init);
  const evidence = { node: "n2", console: ["[1.0] first", "[2.0] the reason"], files: ["/tmp/x/n2.console.log"] };
  const failing = report.step("all pairs answer", () =>
    Promise.reject(new LabError("n2: no answer from n3", evidence)),
  );
  await t.throwsAsync(failing, { instanceOf: LabError });
  t.false(report.ok);
  const text = report.text();
  for (const part of [
    "FAILED",
    "all pairs answer: n2: no answer from n3",
    "| [2.0] the reason",
    "/tmp/x/n2.console.log",
    "npm start -- --seed 7",
  ]) {
    t.true(text.includes(part), part);
  }
});
