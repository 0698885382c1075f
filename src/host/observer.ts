import { stat } from "node:fs/promises";
import type { Actual, ActualWireguard } from "../model/actual.ts";
import type { NicFact } from "../model/facts.ts";
import { HOST, type Target } from "../model/kernel.ts";
import { stepPlaces, type Step } from "../model/step.ts";
import { netnsIds } from "./addon.ts";
import { NETNS_DIRECTORY, netnsPath } from "./exec.ts";
import { observeFiles } from "./files.ts";
import type { Scope } from "./host.ts";
import {
  listNetns,
  nicFacts,
  observeDevice,
  observeNetns,
  vanished,
  type NetnsName,
  type ObserveContext,
  type Seen,
} from "./observe.ts";
import { NOTHING, onlyNamed, type InNetns } from "./observe/named.ts";
import { observeSysctls } from "./parameters.ts";
import { routersOf, type RouterSight } from "./routers.ts";

interface Names {
  /** When a name was last made or removed; undefined when that is no measure, since one was in the making. */
  readonly changed: bigint | undefined;
  readonly all: readonly NetnsName[];
}

/** Looks at namespaces and remembers what it saw, so that one in which nothing happened is not dumped again. */
export class Observer {
  readonly #context: ObserveContext;
  /** By namespace; only those that there are. */
  readonly #seen = new Map<string, Seen>();
  /** Namespaces that our own steps changed since they were looked at. */
  readonly #stale = new Set<string>();
  /** Namespaces by their ids, by which events speak of them. */
  readonly #ids = new Map<number, string>();
  /** Those that have been asked for their ids, with the inodes that they had. */
  readonly #asked = new Map<string, number>();
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
    const wishes = Map.groupBy(target, (object) =>
      "netns" in object ? object.netns : object.kind === "netns" ? object.name : HOST,
    );
    const wanted = new Set(target.flatMap((object) => (object.kind === "netns" ? [object.name] : [])));
    const all = await this.#list(scope);
    const netns = all.flatMap(({ name, owned, mark }) => (owned || wanted.has(name) ? [{ name, owned, mark }] : []));
    const ours = netns.filter(({ owned }) => owned).map(({ name }) => name);
    // Someone else's that we do not want for ourselves is a member's.
    const members = all.flatMap(({ name, owned }) => (owned || wanted.has(name) || !wishes.has(name) ? [] : [name]));
    namespaces.keepOnly(new Map(all.flatMap(({ name, owned, inode }) => (owned ? [[name, inode]] : []))));
    const there = new Set([HOST, ...ours, ...members]);
    // Of members that are not asked about now we keep what we saw, but for the full look.
    if (scope === "all") for (const name of this.#seen.keys()) if (!there.has(name)) this.#seen.delete(name);
    await this.#learnIds(all.filter(({ name }) => there.has(name)));
    try {
      await namespaces.openAll([...there].filter((name) => this.#mustLook(name, scope)));
      const parts = await Promise.all([
        ...[HOST, ...ours].map((name) => this.#look(name, scope, wishes.get(name))),
        ...members.map(async (name) => {
          const wish = wishes.get(name) ?? [];
          return onlyNamed(await this.#look(name, scope, wish), wish);
        }),
      ]);
      const { supervisor, ovs, fileMark } = this.#context;
      return {
        netns,
        ...joined(parts),
        ovs: await ovs.observe(target, scope === "all"),
        file: observeFiles(fileMark, target),
        process: await supervisor.list(),
      };
    } finally {
      namespaces.release();
    }
  }

  /** The NICs of the node. */
  async nics(scope: Scope): Promise<readonly NicFact[]> {
    const known = this.#seen.get(HOST);
    if (known !== undefined && !this.#mustLook(HOST, scope)) return known.nics;
    const netlink = await this.#context.namespaces.netlink(HOST);
    return await nicFacts(this.#context, netlink, await netlink.dump("links", "addresses"));
  }

  /** What routers told a link of a namespace; undefined when none was heard, or there is no such link. */
  async router(netns: string, dev: string, scope: Scope): Promise<RouterSight | undefined> {
    const known = this.#seen.get(netns);
    if (known !== undefined && !this.#mustLook(netns, scope)) return known.routers.get(dev);
    try {
      const netlink = await this.#context.namespaces.netlink(netns);
      return routersOf(await netlink.dump("links", "addresses", "routes")).get(dev);
    } catch (error) {
      if (netns !== HOST && vanished(error)) return undefined;
      throw error;
    }
  }

  /** The namespace that has an id; undefined when we do not look at it. */
  nameOf(id: number): string | undefined {
    return this.#ids.get(id);
  }

  /**
   * The WireGuard devices that were seen, as they are now. It may run beside a pass: it closes nothing that the pass uses.
   */
  async wireguard(): Promise<readonly ActualWireguard[]> {
    const { namespaces, records } = this.#context;
    const devices = [...this.#seen].flatMap(
      ([
        netns,
        {
          part: { wireguard },
        },
      ]) =>
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

  /** An id is what a monitor needs to hear of a namespace: one that is new gets it before it is looked at, so that nothing is missed. */
  async #learnIds(there: readonly NetnsName[]): Promise<void> {
    const unknown = there.filter(({ name, inode }) => this.#asked.get(name) !== inode);
    if (unknown.length === 0) return;
    const ids = await netnsIds(unknown.map(({ name }) => netnsPath(name)));
    for (const [index, { name, inode }] of unknown.entries()) {
      const id = ids[index];
      if (id === undefined || id === null) continue;
      this.#ids.set(id, name);
      this.#asked.set(name, inode);
    }
  }

  /** Forgets what is known of namespaces that are gone, and of names that stand for another one now. */
  #forget(names: ReadonlyMap<string, number>): void {
    const gone = (name: string): boolean => names.get(name) !== this.#asked.get(name);
    for (const [id, name] of this.#ids) if (gone(name)) this.#ids.delete(id);
    for (const name of this.#asked.keys()) if (gone(name)) this.#asked.delete(name);
    for (const name of this.#stale) if (name !== HOST && !names.has(name)) this.#stale.delete(name);
    for (const name of this.#seen.keys()) if (name !== HOST && !names.has(name)) this.#seen.delete(name);
  }

  async #look(netns: string, scope: Scope, wish: Target = []): Promise<InNetns> {
    const known = this.#seen.get(netns);
    if (known !== undefined && !this.#mustLook(netns, scope)) return await this.#withSysctls(netns, known, wish);
    // What happens while we look marks it again.
    this.#stale.delete(netns);
    const seen = await observeNetns(this.#context, netns, wish);
    if (seen === undefined) this.#seen.delete(netns);
    else this.#seen.set(netns, seen);
    return seen?.part ?? NOTHING;
  }

  #mustLook(netns: string, scope: Scope): boolean {
    return scope === "all" || scope.has(netns) || this.#stale.has(netns) || !this.#seen.has(netns);
  }

  /** Kernel parameters are read as far as they are wished for, and the wish may have grown. */
  async #withSysctls(netns: string, { part, ...rest }: Seen, wish: Target): Promise<InNetns> {
    const read = new Set(part.sysctl.map(({ key }) => key));
    if (!wish.some((object) => object.kind === "sysctl" && !read.has(object.key))) return part;
    const wider = { ...part, sysctl: await observeSysctls(this.#context.records, netns, wish) };
    this.#seen.set(netns, { part: wider, ...rest });
    return wider;
  }

  /** The names of namespaces cost a visit to each: they are listed anew when one was made or removed. */
  async #list(scope: Scope): Promise<readonly NetnsName[]> {
    const changed = await changeTime();
    if (scope !== "all" && changed !== undefined && changed === this.#names.changed) return this.#names.all;
    const before = new Map(this.#names.all.map(({ name, inode }) => [name, inode]));
    const { all, settled } = await listNetns(this.#context);
    this.#forget(new Map(all.map(({ name, inode }) => [name, inode])));
    for (const { name, inode } of all) if (before.get(name) !== inode) this.#stale.add(name);
    this.#names = { changed: settled ? changed : undefined, all };
    return all;
  }

  /** The other end of a pair goes with it, wherever it is. */
  #staleOtherEnd({ netns, name }: { readonly netns: string; readonly name: string }): void {
    const link = this.#seen.get(netns)?.part.link.find((one) => one.name === name);
    if (link?.peerIndex === undefined || link.peerIndex === null) return;
    for (const [
      place,
      {
        part: { link: links },
      },
    ] of this.#seen)
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
