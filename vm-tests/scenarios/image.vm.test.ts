import { join } from "node:path";
import { run } from "../../scripts/lib/process.ts";
import type { LabNode } from "../harness/node.ts";
import { scenario } from "../harness/scenario.ts";
import type { Topology } from "../harness/topology.ts";

const alone: Topology = { networks: [], nodes: { n1: { nics: [] } } };

/** A machine with a disk for its state and an empty clock battery. */
async function withDisk(artifacts: string): Promise<Topology> {
  const disk = join(artifacts, "state.img");
  await run(["truncate", "-s", "64M", disk]);
  await run(["mkfs.ext4", "-q", "-L", "netloom", disk]);
  return { networks: [], nodes: { n1: { nics: [], disk, rtc: "2020-01-01T00:00:00" } } };
}

/** Seconds since 1970 on the clock of a guest. */
async function clock(node: LabNode): Promise<number> {
  return Number(await node.run(["date", "+%s"]));
}

scenario(
  "killed supervisors leave nobody twice, and services start in a clean environment",
  { group: "full", topology: alone },
  async ({ t, lab }) => {
    const node = lab.node("n1");
    const pidsOf = async (group: string): Promise<string> =>
      node.run(["cat", `/sys/fs/cgroup/netloom/${group}/cgroup.procs`]);
    const daemon = await node.until("the daemon", async () => /^\d+$/mu.exec(await pidsOf("netloom"))?.[0]);

    const environment = (await node.run(["cat", `/proc/${daemon}/environ`])).split("\0").filter(Boolean);
    const tuning = (await node.run(["cat", "/usr/bin/netloom"])).match(/BUN_JSC_\w+=\d+/gu) ?? [];
    t.true(tuning.length > 0);
    const own = ["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin"];
    t.deepEqual(environment.toSorted(), [...own, ...tuning].toSorted());
    t.regex(await node.run(["cat", `/proc/${daemon}/limits`]), /Max open files +65536 +65536/u);

    // The agent's own supervisor is among the killed, so this command may not live to answer.
    await node.exec(["killall", "-KILL", "s6-svscan", "s6-supervise"]).catch(() => undefined);
    const again = await node.until("another daemon", async () => {
      const pids = (await pidsOf("netloom")).trim();
      return /^\d+$/u.test(pids) && pids !== daemon ? pids : undefined;
    });
    // PID 1 takes a moment to bury what was killed.
    await node.until("every service, once", async () => {
      const names = ["netloom", "s6-svscan", "s6-log", "mdev", "keep-clock"];
      const pids = await Promise.all(names.map(async (name) => (await node.run(["pidof", name])).trim()));
      return (pids[0] === again && pids.every((pid) => /^\d+$/u.test(pid))) || undefined;
    });
  },
);

scenario(
  "a node without a clock starts at the image's date, and state and time outlive a reboot on a labelled disk",
  { group: "full", topology: withDisk },
  async ({ t, lab }) => {
    const node = lab.node("n1");

    const first = await clock(node);
    t.true(first > Date.UTC(2026, 9, 1) / 1000, `the clock began at ${first}`);
    t.regex(await node.run(["cat", "/proc/mounts"]), /^\/dev\/vda \/var\/cache\/modules ext4 rw/mu);
    await node.writeFile("/var/cache/modules/kept", "yes\n");
    const later = first + 30 * 24 * 3600;
    await node.run(["date", "-s", `@${later}`]);
    await node.powerOff();

    await node.boot();
    const second = await clock(node);
    t.true(
      second >= later && second < later + 600,
      `the clock went on at ${second}, ${second - later} s after it stopped`,
    );
    t.is((await node.readFile("/var/cache/modules/kept")).toString(), "yes\n");
    t.notRegex(await node.run(["dmesg"]), /EXT4-fs.*recover/u);
    await node.powerOff();
  },
);

scenario(
  "without a disk the root is writable in memory alone",
  { group: "full", topology: alone },
  async ({ t, lab }) => {
    const node = lab.node("n1");
    t.regex(await node.run(["cat", "/proc/mounts"]), /^overlay \/ overlay rw/mu);
    await node.writeFile("/etc/written", "x");
    await node.reboot();
    await t.throwsAsync(node.readFile("/etc/written"), { message: /No such file/u });
    // No shell waits on the console unless the command line asks for one.
    t.notRegex(await node.run(["ps"]), /-\/bin\/sh/u);
    const free = Number(/MemAvailable: +(\d+) kB/u.exec(await node.run(["cat", "/proc/meminfo"]))?.[1]);
    t.log(`${Math.round(free / 1024)} MiB of 384 available`);
    t.true(free > 128 * 1024);
  },
);
