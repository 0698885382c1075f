// The process of one lab of `npm run lab -- up`: lab-main.ts NAME FILE DIRECTORY. It outlives the command that started it, serves
// the control socket in DIRECTORY, and ends when somebody asks for it there or by a signal; nothing is left then.
import { rm } from "node:fs/promises";
import { describeError } from "../../src/lib/errors.ts";
import { Lab } from "../harness/lab.ts";
import { runSettings } from "../harness/run-settings.ts";
import { labOptions } from "../harness/test-lab.ts";
import { loadTopology } from "../harness/topology-file.ts";
import { ControlServer } from "./control-server.ts";
import { artifactsOf, controlSocket } from "./places.ts";

const [name = "", file = "", directory = ""] = process.argv.slice(2);
const started = Promise.withResolvers<Lab>();
const stopped = Promise.withResolvers<void>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopped.resolve());
try {
  await using control = await ControlServer.open(name, controlSocket(directory), started.promise);
  void control.stopAsked.then(stopped.resolve);
  await using owned = new AsyncDisposableStack();
  try {
    const { topology } = await loadTopology(file);
    const options = await labOptions(artifactsOf(name), runSettings(process.env).artifacts);
    // An end that is asked for while machines boot is not to wait for them.
    const starting = Lab.start(topology, { ...options, log: (line) => control.log(line) });
    const lab = await Promise.race([starting, stopped.promise]);
    if (lab === undefined) throw new Error("the lab was ended while it started");
    started.resolve(owned.use(lab));
    await stopped.promise;
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    started.reject(error instanceof Error ? error : new Error(describeError(error)));
    process.exitCode = 1;
  }
} finally {
  // After a failure the one who waits for the lab reads there why, and removes it.
  if (process.exitCode === undefined) await rm(directory, { recursive: true, force: true });
}
// Machines that were still booting end with this process.
process.exit();
