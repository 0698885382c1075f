/** Runs the main job inside the toolbox: `main-job-run.ts IMAGE_DIR AGENT ARTIFACTS`. Exit code 0 when every row holds. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { proveAccelerator } from "../harness/accel.ts";
import { Lab } from "../harness/lab.ts";
import { Report } from "../harness/report.ts";
import { proveMainJob } from "./main-job.ts";
import { TOPOLOGY } from "./main-job-topology.ts";

const [imageDir = "", agent = "", artifacts = ""] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`netloom: lab          ${line}\n`);
const seed = 1;

const vmlinux = join(imageDir, "vmlinux");
const accel = await proveAccelerator({ kernel: vmlinux, agent });
say(`${accel.accel}: ${accel.provenBy}`);
const report = new Report({ title: "Three nodes that reach each other", accelerator: accel, seed, replay: "npm start", onProgress: say });
const cmdline = (await readFile(join(imageDir, "cmdline"), "utf8")).trim();
try {
  let lab: Lab | undefined;
  await report.step("a gateway and three nodes boot from one image", async () => {
    lab = await Lab.start(TOPOLOGY, { image: { vmlinux, initrd: join(imageDir, "initrd"), cmdline }, agent, artifacts, accel, seed, log: say });
    return `${lab.nodes.length} machines of 384 MB`;
  });
  if (lab !== undefined) {
    await using running = lab;
    await proveMainJob(running, report);
    await running.draw();
  }
} catch {
  process.exitCode = 1;
}
await report.write(artifacts);
await writeFile(join(artifacts, "report.txt"), report.text());
process.stdout.write(`\n${report.text()}\n`);
