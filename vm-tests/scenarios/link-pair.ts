import type { Lab } from "../harness/lab.ts";
import type { LinkProperties } from "../harness/link-properties.ts";
import type { LabNode } from "../harness/node.ts";
import type { DirectionCounters } from "../harness/switch-messages.ts";
import type { TopologyDeclaration } from "../harness/topology-schema.ts";

/** The addresses of the pair. */
export const ADDRESS = { n1: "10.99.0.1", n2: "10.99.0.2" } as const;

/** Two plain machines on one network; the link of the second does this from the start. */
export function pair(properties: LinkProperties = {}): TopologyDeclaration {
  return {
    networks: ["lan"],
    nodes: {
      n1: { role: "debian", nics: ["lan"], addresses: [`${ADDRESS.n1}/24`] },
      n2: { role: "debian", nics: [{ network: "lan", ...properties }], addresses: [`${ADDRESS.n2}/24`] },
    },
  };
}

/**
 * Makes the pair send nothing by itself, so that counters count what a scenario sends: no IPv6, and each knows the address of the
 * other's card.
 */
export async function quieten(lab: Lab): Promise<void> {
  for (const [name, other] of [
    ["n1", "n2"],
    ["n2", "n1"],
  ] as const) {
    const node = lab.node(name);
    await node.until("its address", async () => {
      const shown = await node.run(["ip", "-4", "addr", "show", "dev", "eth0"]);
      return shown.includes(ADDRESS[name]) || undefined;
    });
    await node.writeFile("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1");
    const mac = lab.link(`${other}.eth0`).mac;
    await node.run(["ip", "neigh", "replace", ADDRESS[other], "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
  }
}

/** What a node saw of its pings. */
export type Pings = {
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  /** Numbers of those that were answered, from 0, in the order of the answers. */
  readonly answered: readonly number[];
  /** Milliseconds of each round trip, as the guest measured it. */
  readonly times: readonly number[];
};

/** Seconds to wait for answers that all are to come: it ends with the last of them, however late a busy machine has it. */
export const EVERY = 30;

/**
 * Answers that come at once, as they do where the switch had to wait for its processor, must fit into the buffer of ping's socket,
 * which it makes small (busybox, networking/ping.c: 7 KB). Twelve did, and of forty no more.
 */
const AT_ONCE = 10;

/** Sends pings to an address and waits for those that come late. */
export async function ping(node: LabNode, address: string, count: number, waitSeconds: number = 2): Promise<Pings> {
  return inRuns(count, async (ofRun) => {
    const { stdout } = await node.exec(pingArgv(address, ofRun, waitSeconds), { timeoutMs: 120_000 });
    return pingsOf(stdout);
  });
}

/**
 * The same over a link that loses some: waits until `isOver` says so, told how many were sent and answered. No answer is taken for
 * lost that is only late, and none is waited for that cannot come.
 */
export async function pingUntil(
  node: LabNode,
  address: string,
  count: number,
  isOver: (sent: number, answered: number) => Promise<boolean>,
): Promise<Pings> {
  return inRuns(count, async (ofRun, before) => {
    let stdout = "";
    const onStdout = (chunk: Buffer): void => void (stdout += chunk.toString());
    const program = node.start(pingArgv(address, ofRun, 3600), { onStdout });
    await node.until("the last answer", async () => {
      const answered = before.received + pingsOf(stdout).answered.length;
      return (await isOver(before.sent + ofRun, answered)) || undefined;
    });
    // It then says what it has seen. One that has all its answers has ended by itself.
    await node.exec(["killall", "-INT", "ping"]);
    await program.result;
    return pingsOf(stdout);
  });
}

/** Sends so many in runs of a few, and puts together what was seen of them. */
async function inRuns(count: number, run: (ofRun: number, before: Pings) => Promise<Pings>): Promise<Pings> {
  let all: Pings = { sent: 0, received: 0, duplicates: 0, answered: [], times: [] };
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    const { sent, received, duplicates, answered, times } = await run(Math.min(AT_ONCE, count - begun), all);
    all = {
      sent: all.sent + sent,
      received: all.received + received,
      duplicates: all.duplicates + duplicates,
      answered: [...all.answered, ...answered.map((seq) => begun + seq)],
      times: [...all.times, ...times],
    };
  }
  return all;
}

function pingArgv(address: string, count: number, waitSeconds: number): readonly string[] {
  return ["ping", "-c", `${count}`, "-i", "0.02", "-W", `${waitSeconds}`, address];
}

function pingsOf(stdout: string): Pings {
  const [, sent, received, duplicates = "0"] =
    /(\d+) packets transmitted, (\d+) packets received, (?:(\d+) duplicates, )?/u.exec(stdout) ?? [];
  const times = [...stdout.matchAll(/time=([\d.]+) ms/gu)].map(([, time]) => Number(time));
  const answered = [...stdout.matchAll(/ seq=(\d+) /gu)].map(([, seq]) => Number(seq));
  return { sent: Number(sent), received: Number(received), duplicates: Number(duplicates), answered, times };
}

/** How much each counter of a direction has grown. */
export function grown(before: DirectionCounters, after: DirectionCounters): DirectionCounters {
  const names = Object.keys(before) as (keyof DirectionCounters)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as DirectionCounters;
}
