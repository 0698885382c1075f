import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { Report } from "../harness/report.ts";
import { labOptions } from "../harness/test-lab.ts";
import { MEMBERS } from "./main-job-topology.ts";
import { runMainJob } from "./main-job.ts";

test("the main job: three nodes come online, join a mesh, reach each other in it and leave no trace", async (t) => {
  t.timeout(600_000);
  const options = await labOptions("main-job-test");
  const report = new Report({
    title: "Three nodes that reach each other",
    accelerator: options.accel,
    seed: 1,
    replay: "npm test -- vm-tests/scenarios/main-job.vm.test.ts",
    onProgress: (line) => t.log(line),
  });
  await runMainJob(options, report);
  await report.write(options.artifacts);
  t.true(report.ok, report.text());

  const picture = await readFile(join(options.artifacts, "topology.svg"), "utf8");
  for (const name of ["gateway", ...MEMBERS]) t.true(picture.includes(`>${name}<`), name);
  t.is([...picture.matchAll(/class="tunnel up"/gu)].length, 3);
  t.is([...picture.matchAll(/192\.168\.50\.\d+</gu)].length, 4);
});
