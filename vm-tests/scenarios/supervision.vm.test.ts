import type { ExecutionContext } from "ava";
import type { Status } from "../../src/model/report.ts";
import { scenario } from "../harness/scenario.ts";
import { GATEWAY, GATEWAY_ADDRESS, NETWORK } from "./gateway.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const topology = { networks: [NETWORK], nodes: { gateway: GATEWAY, n1: { nics: [NETWORK] } } };

scenario(
  "what is killed comes back once, in its own control group, on a root that nothing can write to",
  { group: "full", topology },
  async ({ t, node }) => {
    const [gateway, n1] = [new NetloomGuest(node("gateway")), new NetloomGuest(node("n1"))];
    await gateway.online();
    const { uplink } = await n1.online();

    t.regex(await n1.node.run(["cat", "/proc/mounts"]), /^overlay \/ overlay rw.*lowerdir=\/lower,/mu);
    t.is(await n1.node.run(["cat", "/sys/block/loop0/ro"]), "1\n");
    t.deepEqual(await strays(n1), []);
    t.deepEqual(await strays(gateway), []);

    const client = await killed(n1, "dhcp-zos");
    t.deepEqual([client.online, client.uplink?.address], [true, uplink?.address]);
    await killed(gateway, "dnsmasq-lab");
    // A client that asks once and fails without an answer.
    await n1.node.run(["busybox", "udhcpc", "-f", "-n", "-q", "-t", "10", "-i", "zos", "-s", "/bin/true"]);

    // Something that the DHCP client could have started: it has left its session and is deaf to TERM.
    const join = "echo $$ >/sys/fs/cgroup/netloom/dhcp-zos/cgroup.procs; trap '' TERM";
    await n1.node.run(["sh", "-c", `${join}; setsid /usr/bin/tail -f /dev/null </dev/null >/dev/null 2>&1 &`]);
    await n1.node.until("the leftover", async () => (await pids(n1, "tail")).length === 1 || undefined);

    // The supervisor itself: init starts another, which ends what the first one left and starts each service once.
    await Promise.all([
      supervisorKilled(t, gateway, ["dnsmasq", "chronyd"]),
      supervisorKilled(t, n1, ["udhcpc", "chronyd"]),
    ]);
    await n1.node.run(["ping", "-c", "1", "-W", "5", GATEWAY_ADDRESS]);

    // chronyd has told the kernel that it is in step with the gateway.
    await n1.node.until("a synchronised clock", async () => {
      const status = await n1.node.run(["busybox", "adjtimex"]);
      return /status: +\d+ \((?!.*UNSYNC)/u.test(status) || undefined;
    });
  },
);

async function supervisorKilled(t: ExecutionContext, guest: NetloomGuest, programs: readonly string[]): Promise<void> {
  const before = await guest.status();
  const [supervisor = ""] = await pids(guest, "s6-svscan");
  await guest.node.run(["kill", "-9", supervisor]);
  await guest.node.until("a new supervisor with every service", async () => {
    const now = await guest.status();
    const same = now.processes.length === before.processes.length && now.processes.every(({ up }) => up);
    return same && now.pid !== before.pid && now.online ? now : undefined;
  });
  t.not((await pids(guest, "s6-svscan"))[0], supervisor);
  t.deepEqual(await pids(guest, "tail"), []);
  for (const name of ["s6-svscan", "netloom", "s6-log", ...programs])
    t.is((await pids(guest, name)).length, 1, `${name} on ${guest.name}`);
  t.deepEqual(await strays(guest), []);
}

/** Kills a service and waits until it runs again, under another process id and alone in its control group. */
async function killed(guest: NetloomGuest, name: string): Promise<Status> {
  const before = pidOf(await guest.status(), name);
  await guest.node.run(["kill", "-9", String(before)]);
  return await guest.node.until(`a new process for ${name}`, async () => {
    const now = await guest.status();
    const pid = pidOf(now, name);
    if (pid === null || pid === before) return undefined;
    const members = await guest.node.run(["cat", `/sys/fs/cgroup/netloom/${name}/cgroup.procs`]);
    return members === `${pid}\n` ? now : undefined;
  });
}

function pidOf(status: Status, name: string): number | null {
  return status.processes.find((process) => process.name === name)?.pid ?? null;
}

async function pids(guest: NetloomGuest, name: string): Promise<readonly string[]> {
  return (await guest.node.exec(["pidof", name])).stdout.split(/\s+/u).filter(Boolean);
}

/** Processes that are in no service's own control group, but for init and the supervisor with its helpers. */
async function strays(guest: NetloomGuest): Promise<readonly string[]> {
  const listed = await guest.node.run(["sh", "-c", LIST_PROCESSES]);
  return listed
    .split("\n")
    .filter((line) => line !== "" && !/^0::\/netloom\/[^/]+ |^0::\/ (?:init|s6-svscan|s6-supervise) /u.test(line));
}

/** Kernel threads have an empty command line. */
const LIST_PROCESSES = `for d in /proc/[0-9]*; do words=$(tr '\\0\\n' '  ' 2>/dev/null <$d/cmdline); [ -z "$words" ] || echo "$(cat $d/cgroup) $words"; done`;
