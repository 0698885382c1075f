import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { SupervisorRig } from "../../testing/supervisor-rig.ts";
import { STAY, strangerIsLeftAlone, supervisorTable } from "../../testing/supervisor-table.ts";

for (const [title, run] of supervisorTable("s6")) test(title, run);

test("s6: a supervisor that does not take a service in time is told of, and takes it when it is back", async (t) => {
  await using rig = await SupervisorRig.open("s6");
  await rig.do({ set: rig.service("one", STAY) });
  const pid = await rig.alone("one");
  process.kill(rig.server, "SIGSTOP");
  await rig.do({ remove: "one" });
  const { failed, list } = await rig.ask({ set: rig.service("one", STAY) });
  process.kill(rig.server, "SIGCONT");
  t.regex(failed ?? "", /^cannot start service one: s6-svscan has not taken it within 8 s; see that s6-svscan /u);
  t.deepEqual(list, [{ name: "one", hash: null }]);
  await rig.do({ set: rig.service("one", STAY) });
  await rig.alone("one", pid);
});

test("s6: a stranger's service of the same name is named and left alone", async (t) => {
  await strangerIsLeftAlone(t, "s6", async (rig) => await writeFile(join(rig.dir, "scan/one"), "a stranger's"));
});

test("s6: a service whose supervisor does not answer for a while runs by its new definition when it does", async (t) => {
  await using rig = await SupervisorRig.open("s6");
  await rig.do({ set: rig.service("one", STAY) });
  const before = await rig.alone("one");
  const helper = await helperOf(join(rig.services, "one"));
  process.kill(helper, "SIGSTOP");
  // Without an answer it waits as long as the end of a service may take.
  await rig.do({ set: rig.service("one", `: changed; ${STAY}`) });
  process.kill(helper, "SIGCONT");
  const after = await rig.alone("one", before);
  t.regex(await readFile(`/proc/${after}/cmdline`, "utf8"), /: changed/u);
});

/** The s6-supervise of a service, which works in its directory. */
async function helperOf(directory: string): Promise<number> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/u.test(name))) {
    const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
    const where = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    if (name === "s6-supervise" && where === directory) return Number(pid);
  }
  throw new Error(`nobody supervises ${directory}`);
}
