import { netnsCreate, netnsDelete } from "../../src/host/addon.ts";
import { lan } from "../../src/testing/builders.ts";
import { type Bench, type Figure, median, milliseconds } from "./figure.ts";
import { alternately, spread, type Side } from "./pairs.ts";
import { CniBridge } from "./peers/cni.ts";
import { Netavark } from "./peers/netavark.ts";
import { ShellScript } from "./peers/script.ts";
import { RunningEngine } from "./running-engine.ts";

const LAN = lan("bench", { cidr: "10.87.0.0/16" });
/** How many rounds of one, and of many at once. */
const [ROUNDS, MANY] = [100, 6];
/** For the pass that the events of the round before bring on. */
const BETWEEN_MS = 60;
/** Of `lo` in a namespace that is a container's and no daemon's. */
const NOBODYS = 0;

/** Somebody's namespaces, numbered. */
class Containers {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  name(n: number): string {
    return `${this.#prefix}${n}`;
  }

  /** `count` numbers from `round` on that no other round has. */
  names(round: number, count: number): readonly (readonly [name: string, n: number])[] {
    return Array.from({ length: count }, (_unused, i) => {
      const n = 1000 + round * count + i;
      return [this.name(n), n] as const;
    });
  }

  async make(names: readonly string[]): Promise<void> {
    for (const name of names) await netnsCreate(name, NOBODYS);
  }

  async drop(names: readonly string[]): Promise<void> {
    for (const name of names) await netnsDelete(name);
  }
}

/** Members of a LAN: one attached, forty at once, and many removed; beside what others need for the same. */
export const attach: Bench = {
  name: "attach",
  inToolbox: true,
  runtime: "bun",
  measure: async () => {
    await using ours = await RunningEngine.open();
    await using cni = await CniBridge.open();
    await using netavark = await Netavark.open();
    await using script = await ShellScript.open();
    await ours.apply(LAN);
    // It takes its bridge down with its last container.
    await netnsCreate("keeps", NOBODYS);
    await netavark.prepare("keeps", 0);
    await netavark.add("keeps");
    const given = {
      ours: new Containers("bo"),
      cni: new Containers("bc"),
      netavark: new Containers("ba"),
      script: new Containers("bs"),
    };
    const join = (netns: string): Promise<unknown> => ours.engine.join({ lan: LAN.name, netns });
    const leave = (netns: string): Promise<unknown> => ours.engine.leave(LAN.name, netns);
    const removed: Record<"cni" | "netavark" | "script", number[]> = { cni: [], netavark: [], script: [] };

    const one = (
      who: keyof typeof given,
      add: (netns: string, n: number) => Promise<unknown>,
      remove: (netns: string, n: number) => Promise<unknown>,
    ): Side => ({
      prepare: async (n) => {
        await given[who].make([given[who].name(n)]);
        if (who === "netavark") await netavark.prepare(given[who].name(n), n);
        if (who === "ours") await ours.calm(BETWEEN_MS);
      },
      work: (n) => add(given[who].name(n), n),
      clean: async (n) => {
        const took = await milliseconds(() => remove(given[who].name(n), n));
        if (who !== "ours") removed[who].push(took);
        await given[who].drop([given[who].name(n)]);
      },
    });
    const single = await alternately(ROUNDS, {
      ours: one("ours", join, leave),
      cni: one(
        "cni",
        (netns) => cni.add(netns),
        (netns) => cni.remove(netns),
      ),
      netavark: one(
        "netavark",
        (netns) => netavark.add(netns),
        (netns) => netavark.remove(netns),
      ),
      script: one(
        "script",
        (netns, n) => script.add(netns, n),
        (netns, n) => script.remove(netns, n),
      ),
    });

    const many = (
      who: keyof typeof given,
      count: number,
      add: (names: ReturnType<Containers["names"]>) => Promise<unknown>,
      remove: (names: ReturnType<Containers["names"]>) => Promise<unknown>,
    ): Side => ({
      prepare: async (round) => {
        const names = given[who].names(round, count);
        await given[who].make(names.map(([name]) => name));
        if (who === "netavark") for (const [name, n] of names) await netavark.prepare(name, n);
        if (who === "ours") await ours.calm(BETWEEN_MS);
      },
      work: (round) => add(given[who].names(round, count)),
      clean: async (round) => {
        const names = given[who].names(round, count);
        await remove(names);
        await given[who].drop(names.map(([name]) => name));
      },
    });
    const joinAll = (names: ReturnType<Containers["names"]>): Promise<unknown> =>
      Promise.all(names.map(([name]) => join(name)));
    const leaveAll = (names: ReturnType<Containers["names"]>): Promise<unknown> =>
      Promise.all(names.map(([name]) => leave(name)));
    const forty = await alternately(MANY, {
      ours: many("ours", 40, joinAll, leaveAll),
      cni: many(
        "cni",
        40,
        (names) => cni.addAll(names.map(([name]) => name)),
        async (names) => {
          for (const [name] of names) await cni.remove(name);
        },
      ),
      netavark: many(
        "netavark",
        40,
        (names) => netavark.addAll(names.map(([name]) => name)),
        async (names) => {
          for (const [name] of names) await netavark.remove(name);
        },
      ),
      script: many(
        "script",
        40,
        (names) => script.addAll(names),
        async (names) => {
          for (const [name, n] of names) await script.remove(name, n);
        },
      ),
    });
    // Nobody else removes many in one go, so they are not in this.
    const removals = await alternately(MANY, {
      ours: {
        prepare: async (round) => {
          const names = given.ours.names(100 + round, 100);
          await given.ours.make(names.map(([name]) => name));
          await joinAll(names);
          await ours.calm(BETWEEN_MS);
        },
        work: (round) => leaveAll(given.ours.names(100 + round, 100)),
        clean: (round) => given.ours.drop(given.ours.names(100 + round, 100).map(([name]) => name)),
      },
    });
    const profiles = await profilesOf(ours, given.ours, join, leave);

    const peers = { "CNI bridge": "cni", netavark: "netavark", "sh script": "script" } as const;
    const suffix = { cni: "", netavark: ".netavark", script: ".script" } as const;
    return Object.entries(peers).flatMap(([name, who]): readonly Figure[] => {
      const isCni = who === "cni";
      const bars = isCni
        ? { bar: 2, leastRatio: 13, profile: profiles.one, note: spread(single.ours, single.cni) }
        : {};
      return [
        {
          name: `attach${suffix[who]}`,
          ours: single.ours.p50,
          unit: "ms",
          peer: { name, value: single[who].p50 },
          ...bars,
        },
        {
          name: `attach-40${suffix[who]}`,
          ours: forty.ours.p50,
          unit: "ms",
          peer: { name, value: forty[who].p50 },
          ...(isCni ? { leastRatio: 6, profile: profiles.forty, note: spread(forty.ours, forty.cni) } : {}),
        },
        {
          name: `detach${suffix[who]}`,
          ours: removals.ours.p50 / 100,
          unit: "ms",
          peer: { name, value: median(removed[who]) },
          ...(isCni ? { bar: 3, profile: profiles.removal, note: "of 100 at once, each; the peer one by one" } : {}),
        },
        ...(isCni
          ? [{ name: "remove-100", ours: removals.ours.p50, unit: "ms", bar: 150, profile: profiles.removal }]
          : []),
      ];
    });
  },
};

interface Profiles {
  readonly one: readonly string[];
  readonly forty: readonly string[];
  readonly removal: readonly string[];
}

/** Where the time goes: looked at after the measurement, so that looking costs it nothing. */
async function profilesOf(
  ours: RunningEngine,
  given: Containers,
  join: (netns: string) => Promise<unknown>,
  leave: (netns: string) => Promise<unknown>,
): Promise<Profiles> {
  const names = given.names(1000, 120).map(([name]) => name);
  await given.make(names);
  const spent = async (rounds: number, work: () => Promise<unknown>): Promise<readonly string[]> => {
    await ours.calm(BETWEEN_MS);
    ours.phases.reset();
    return ours.phases.lines(await milliseconds(work), rounds);
  };
  const one = await spent(20, async () => {
    for (const name of names.slice(0, 20)) await join(name);
  });
  const forty = await spent(1, () => Promise.all(names.slice(20, 60).map(join)));
  await Promise.all(names.slice(60).map(join));
  const removal = await spent(1, () => Promise.all(names.slice(20).map(leave)));
  return { one, forty, removal };
}
