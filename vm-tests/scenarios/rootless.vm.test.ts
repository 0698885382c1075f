import { chown, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";
import { scenario } from "../harness/scenario.ts";
import { type LabOutcome, outcomeOf } from "./lab-command.ts";
import { allProcesses } from "./processes.ts";

/** A user who may do nothing that others may not, without any capability, and without a way to get one. */
const nobody = 65534;
const ids = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
const asNobody = ["setpriv", ...ids, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"];

const topology = `networks: [lan]
nodes:
  gateway: { role: gateway, nics: [lan] }
  n1: { role: debian, nics: [{ network: lan, delay: 20ms }] }
`;

scenario("a lab needs no root: a user without any right runs one", { group: "full" }, async ({ t, step, skip }) => {
  if (process.getuid?.() !== 0) skip("only root can become nobody: here the whole run is without root");
  // A cache of its own, and nothing of ours is its to write.
  const home = await mkdtemp("/tmp/nobody-");
  const [labs, file] = [join(home, "labs"), join(home, "lab.yaml")];
  await writeFile(file, topology);
  for (const name of ["cache", "artifacts"]) await mkdir(join(home, name));
  for (const path of [home, join(home, "cache"), join(home, "artifacts")]) await chown(path, nobody, nobody);
  const env = { NETLOOM_LABS: labs, NETLOOM_CACHE: join(home, "cache"), NETLOOM_ARTIFACTS: join(home, "artifacts") };
  const lab = async (...words: readonly string[]): Promise<LabOutcome> =>
    outcomeOf([...asNobody, process.execPath, join(repository, "scripts/lab.ts"), ...words], { ...env, HOME: home });

  await step("it starts one", async () => {
    const { code, err } = await lab("up", file);
    t.is(code, 0, err);
  });
  await step("every process of it is the user's, without a capability", async () => {
    const statuses = await statusOf(labs);
    const machines = statuses.filter((status) => status.includes("Name:\tqemu-system"));
    t.true(machines.length === 2 && statuses.length > machines.length);
    for (const status of statuses) {
      t.regex(status, /^Uid:(?:\t65534){4}$/mu);
      for (const set of ["Eff", "Prm", "Inh", "Bnd", "Amb"]) t.regex(status, new RegExp(`^Cap${set}:\\t0+$`, "mu"));
    }
  });
  await step("its nodes reach each other over a link that delays", async () => {
    const script = "until ping -c 1 -W 1 192.168.50.1; do usleep 100000; done";
    const { out } = await lab("exec", "n1", "--", "sh", "-c", script);
    t.true(Number(/time=([\d.]+) ms/u.exec(out)?.[1]) >= 40, out);
  });
  await step("it ends one, and nothing is left", async () => {
    t.is((await lab("down")).code, 0);
    t.deepEqual(await statusOf(labs), []);
    t.false(existsSync(labs));
  });
});

/** What the kernel knows of the processes of a lab: those that were told its place, and what they started. */
async function statusOf(labs: string): Promise<readonly string[]> {
  const all = await allProcesses();
  const own = new Set(all.filter(({ command }) => command.includes(labs)).map(({ pid }) => pid));
  const parent = (status: string): number => Number(/^PPid:\t(\d+)$/mu.exec(status)?.[1]);
  return all.filter(({ pid, status }) => own.has(pid) || own.has(parent(status))).map(({ status }) => status);
}
