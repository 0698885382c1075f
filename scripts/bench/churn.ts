import { readFile, readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { netnsCreate, netnsList } from "../../src/host/addon.ts";
import { lan } from "../../src/testing/builders.ts";
import type { Bench } from "./figure.ts";
import { RunningEngine } from "./running-engine.ts";

const LAN = lan("bench", { cidr: "10.87.0.0/16" });
/** Members that come and go together, and how often: 50,000 in all. */
const [GROUP, ROUNDS] = [100, 500];
/** After these, what is made once is made, and memory has its shape. */
const WARM = 50;
/** How long it rests before it is looked at, and how often then. */
const [REST_MS, LOOKS] = [12_000, 12];

/** What members that come and go leave behind in the daemon, after many more than a node sees in a day. */
export const churn: Bench = {
  name: "churn",
  inToolbox: true,
  runtime: "bun",
  measure: async () => {
    await using ours = await RunningEngine.open();
    await ours.apply(LAN);
    const names = Array.from({ length: GROUP }, (_unused, n) => `c${n}`);
    for (const name of names) await netnsCreate(name, 0);
    const round = async (): Promise<void> => {
      await Promise.all(names.map((netns) => ours.engine.join({ lan: LAN.name, netns })));
      await Promise.all(names.map((netns) => ours.engine.leave(LAN.name, netns)));
    };
    // The runtime starts helpers as it needs them and ends some: all that this work brings on are these.
    let helpers = 0;
    for (let n = 0; n < WARM; n += 1) {
      await round();
      helpers = Math.max(helpers, (await held()).threads);
    }
    await ours.calm();
    const before = { ...(await heldAtRest()), threads: helpers };
    const started = performance.now();
    for (let n = WARM; n < ROUNDS; n += 1) await round();
    const each = (performance.now() - started) / ((ROUNDS - WARM) * GROUP);
    await ours.calm();
    const after = await heldAtRest();
    const grown = (key: keyof Held): number => after[key] - before[key];
    const note = `of ${GROUP * ROUNDS} members that joined and left`;
    return [
      {
        name: "churn.descriptors",
        ours: grown("descriptors"),
        unit: "more",
        bar: 0,
        note: `${note}; ${after.descriptors} open`,
      },
      { name: "churn.namespaces", ours: grown("namespaces"), unit: "more", bar: 0, note: `${after.namespaces} there` },
      {
        name: "churn.threads",
        ours: grown("threads"),
        unit: "more",
        bar: 0,
        note: `${after.threads} run, ${before.threads} at most while it warmed up`,
      },
      {
        name: "churn.memory",
        ours: after.memory / before.memory,
        unit: "times",
        bar: 1.1,
        note: `${Math.round(before.memory)} MB after ${WARM * GROUP} members, ${Math.round(after.memory)} after all`,
      },
      { name: "churn.each", ours: each, unit: "ms", note: "one joins and leaves, a hundred at a time" },
    ];
  },
};

interface Held {
  readonly descriptors: number;
  readonly namespaces: number;
  readonly threads: number;
  /** MB resident. */
  readonly memory: number;
}

/** The least of some looks: the runtime's own helpers, and a directory that is just read, come and go. */
async function heldAtRest(): Promise<Held> {
  const looks: Held[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    looks.push(await held());
    await delay(REST_MS / LOOKS);
  }
  const least = (key: keyof Held): number => Math.min(...looks.map((look) => look[key]));
  return {
    descriptors: least("descriptors"),
    namespaces: least("namespaces"),
    threads: least("threads"),
    memory: least("memory"),
  };
}

async function held(): Promise<Held> {
  const [descriptors, threads, namespaces, status] = await Promise.all([
    readdir("/proc/self/fd"),
    readdir("/proc/self/task"),
    netnsList(),
    readFile("/proc/self/status", "utf8"),
  ]);
  const memory = Number(/^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1]) / 1024;
  return { descriptors: descriptors.length, threads: threads.length, namespaces: namespaces.length, memory };
}
