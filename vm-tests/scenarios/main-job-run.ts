/** Runs the main job inside the toolbox, for `npm start`. Exit code 0 when every row holds. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeAccelerator } from "../harness/accel.ts";
import { Report } from "../harness/report.ts";
import { labOptions } from "../harness/test-lab.ts";
import { runMainJob } from "./main-job.ts";

const say = (line: string): void => void process.stdout.write(`netloom: lab          ${line}\n`);
const options = { ...(await labOptions("main-job")), log: say };
say(describeAccelerator(options.accel));
const report = new Report({
  title: "Three nodes that reach each other",
  accelerator: options.accel,
  seed: 1,
  replay: "npm start",
  onProgress: say,
});
await runMainJob(options, report);
await report.write(options.artifacts);
await writeFile(join(options.artifacts, "report.txt"), report.text());
process.stdout.write(`\n${report.text()}\n`);
process.exitCode = report.ok ? 0 : 1;
