import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { countsText } from "../../scripts/lib/tap.ts";
import { hostileRun } from "../harness/hostile-run.ts";
import { sampleReport } from "../harness/report-sample.ts";
import { addJobSummary, countsOf, machineText, thin, writeOutputs } from "./test-output.ts";

async function directory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "netloom-output-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("a terminal ends with failures, how to run them again, reasons of skips, and the counts in the last line", (t) => {
  const text = countsText(countsOf(hostileRun));
  t.regex(text, /second line\nrun it again: npm run lab -- test \S+ --seed 7\n/u);
  t.regex(text, /FAILED a file could not be loaded/u);
  t.regex(text, /skipped:\n {2}three nodes: /u);
  t.regex(text, /\n\n1 passed, 2 failed, 1 skipped\n$/u);
});

test("what the machine was like is said in one line", (t) => {
  const said = machineText(hostileRun);
  t.is(
    said,
    "software emulation (tcg): this machine has no /dev/kvm; a probe guest boots in 2.1 processor seconds; load 0.5 to 1.5; timeouts x 1 at most",
  );
  t.is(machineText({ ...hostileRun, scenarios: [] }), "");
});

test("the page of a job shows what failed as it is, and of a run without failures the counts only", async (t) => {
  await using place = await directory();
  const file = join(place.path, "summary.md");
  await addJobSummary({ ...hostileRun, problems: ["a fence:\n```\nand more"] }, file);
  const text = await readFile(file, "utf8");
  t.regex(text, /^### Labs: 1 passed, 2 failed, 1 skipped\n\n#### \\<\/title\\>\\<script\\>/u);
  t.true(text.includes("````\na fence:\n```\nand more\n````\n"));
  await rm(file);
  await addJobSummary({ ...hostileRun, scenarios: hostileRun.scenarios.slice(0, 1), problems: [] }, file);
  t.is(await readFile(file, "utf8"), "### Labs: 1 passed, 0 failed, 0 skipped\n\n");
});

test("a repeated scenario that passed keeps its report only, and the page has no link to what is gone", async (t) => {
  await using place = await directory();
  const own = join(place.path, "three-nodes");
  await mkdir(own);
  for (const name of ["report.json", "n1.console.log", "n1.eth0.pcapng", "topology.svg"])
    await writeFile(join(own, name), "");
  const thinned = await thin({ report: sampleReport, directory: own, picture: "<svg/>" });
  t.deepEqual(await readdir(own), ["report.json"]);
  await writeOutputs({ ...hostileRun, scenarios: [thinned], problems: [] }, place.path);
  t.deepEqual((await readdir(place.path)).toSorted(), ["index.html", "junit.xml", "report.tap", "three-nodes"]);
  const page = await readFile(join(place.path, "index.html"), "utf8");
  const links = [...page.matchAll(/href="(\.[^"]*)"/gu)].map(([, link]) => link);
  t.deepEqual(links, ["./three-nodes/report.json"]);
});
