import { stat } from "node:fs/promises";
import type { Actual, ActualWireguard } from "../model/actual.ts";
import { HOST, type Target } from "../model/kernel.ts";
import { stepPlaces, type Step } from "../model/step.ts";
import { NETNS_DIRECTORY } from "./exec.ts";
import type { Scope } from "./host.ts";
import {
  listNetns,
  observeDevice,
  observeNetns,
  observeSysctls,
  vanished,
  type NetnsName,
  type ObserveContext,
} from "./observe.ts";
import { NOTHING, onlyNamed, type InNetns } from "./observe/named.ts";

interface Names {
  /** When a name was last made or removed; undefined when that is no measure, since one was in the making. */
  readonly changed: bigint | undefined;
  readonly all: readonly NetnsName[];
}

/** Looks at namespaces and remembers what it saw, so that one in which nothing happened is not dumped again. */
export class Observer {
  readonly #context: ObserveContext;
  /** By namespace; only those that there are. */
  readonly #seen = new Map<string, InNetns>();
  /** Namespaces that our own steps changed since they were looked at. */
  readonly #stale = new Set<string>();
  #names: Names = { changed: undefined, all: [] };

  constructor(context: ObserveContext) {
    this.#context = context;
  }

  /** Says that steps were taken: the next look includes what they changed. */
  taken(steps: readonly Step[]): void {
    for (const step of steps) {
      for (const netns of stepPlaces(step)) this.#stale.add(netns);
      if (step.op === "netns.del") this.#seen.delete(step.args.name);
      if (step.op === "link.del") this.#staleOtherEnd(step.args);
    }
  }

  /**
   * What is in the node's namespace, in every one of ours, and in those of members what the target names there. Namespaces
   * outside `scope` are taken as they were seen last, but for those that our own steps changed.
   */
  async observe(target: Target, scope: Scope): Promise<Actual> {
    const { namespaces } = this.#context;
    const wishes = Map.groupBy(target, (object) => ("netns" in object ? object.netns : object.name));
    const wanted = new Set(target.flatMap((object) => (object.kind === "netns" ? [object.name] : [])));
    const all = await this.#list(scope);
    const netns = all.flatMap(({ name, owned, mark }) => (owned || wanted.has(name) ? [{ name, owned, mark }] : []));
    const ours = netns.filter(({ owned }) => owned).map(({ name }) => name);
    // Someone else's that we do not want for ourselves is a member's.
    const members = all.flatMap(({ name, owned }) => (owned || wanted.has(name) || !wishes.has(name) ? [] : [name]));
    const names = new Set(all.map(({ name }) => name));
    namespaces.keepOnly(new Set(ours));
    const there = new Set([HOST, ...ours, ...members]);
    for (const name of this.#seen.keys())
      if (!there.has(name) && (scope === "all" || !names.has(name))) this.#seen.delete(name);
    try {
      const parts = await Promise.all([
        ...[HOST, ...ours].map((name) => this.#look(name, scope, wishes.get(name))),
        ...members.map(async (name) => {
          const wish = wishes.get(name) ?? [];
          return onlyNamed(await this.#look(name, scope, wish), wish);
        }),
      ]);
      return { netns, ...joined(parts), process: await this.#context.supervisor.list() };
    } finally {
      namespaces.release();
    }
  }

  /**
   * The WireGuard devices that were seen, as they are now. It may run beside a pass: it closes nothing that the pass uses.
   */
  async wireguard(): Promise<readonly ActualWireguard[]> {
    const { namespaces, records } = this.#context;
    const devices = [...this.#seen].flatMap(([netns, { wireguard }]) =>
      wireguard.map(async ({ dev }) => {
        try {
          return [await observeDevice(records, await namespaces.netlink(netns), netns, dev)];
        } catch (error) {
          if (vanished(error)) return [];
          throw error;
        }
      }),
    );
    return (await Promise.all(devices)).flat();
  }

  async #look(netns: string, scope: Scope, wish: Target = []): Promise<InNetns> {
    const known = this.#seen.get(netns);
    if (known !== undefined && scope !== "all" && !scope.has(netns) && !this.#stale.has(netns))
      return await this.#withSysctls(netns, known, wish);
    // What happens while we look marks it again.
    this.#stale.delete(netns);
    const seen = await observeNetns(this.#context, netns, wish);
    if (seen === undefined) this.#seen.delete(netns);
    else this.#seen.set(netns, seen);
    return seen ?? NOTHING;
  }

  /** Kernel parameters are read as far as they are wished for, and the wish may have grown. */
  async #withSysctls(netns: string, known: InNetns, wish: Target): Promise<InNetns> {
    const read = new Set(known.sysctl.map(({ key }) => key));
    if (!wish.some((object) => object.kind === "sysctl" && !read.has(object.key))) return known;
    const seen = { ...known, sysctl: await observeSysctls(netns, wish) };
    this.#seen.set(netns, seen);
    return seen;
  }

  /** The names of namespaces cost a visit to each: they are listed anew when one was made or removed. */
  async #list(scope: Scope): Promise<readonly NetnsName[]> {
    const changed = await changeTime();
    if (scope !== "all" && changed !== undefined && changed === this.#names.changed) return this.#names.all;
    const before = new Map(this.#names.all.map(({ name, inode }) => [name, inode]));
    const { all, settled } = await listNetns(this.#context);
    for (const { name, inode } of all) if (before.get(name) !== inode) this.#stale.add(name);
    this.#names = { changed: settled ? changed : undefined, all };
    return all;
  }

  /** The other end of a pair goes with it, wherever it is. */
  #staleOtherEnd({ netns, name }: { readonly netns: string; readonly name: string }): void {
    const link = this.#seen.get(netns)?.link.find((one) => one.name === name);
    if (link?.peerIndex === undefined || link.peerIndex === null) return;
    for (const [place, { link: links }] of this.#seen)
      if (links.some(({ index, peerIndex }) => index === link.peerIndex && peerIndex === link.index))
        this.#stale.add(place);
  }
}

function joined(parts: readonly InNetns[]): InNetns {
  return {
    link: parts.flatMap((part) => part.link),
    address: parts.flatMap((part) => part.address),
    neighbor: parts.flatMap((part) => part.neighbor),
    fdb: parts.flatMap((part) => part.fdb),
    route: parts.flatMap((part) => part.route),
    rule: parts.flatMap((part) => part.rule),
    wireguard: parts.flatMap((part) => part.wireguard),
    nft: parts.flatMap((part) => part.nft),
    sysctl: parts.flatMap((part) => part.sysctl),
  };
}

/** When a name under /run/netns was made or removed last, in nanoseconds; undefined when there is no such directory. */
async function changeTime(): Promise<bigint | undefined> {
  return await stat(NETNS_DIRECTORY, { bigint: true }).then(
    ({ mtimeNs }) => mtimeNs,
    () => undefined,
  );
}
