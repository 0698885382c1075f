import { basename, dirname } from "node:path";
import { HOST } from "../model/kernel.ts";
import { openDigests } from "./addon.ts";
import type { KernelDigest, MonitorGroup, RouterOption } from "./digest-types.ts";
import { NODE_RESOLVER } from "./files.ts";
import type { Dirty } from "./host.ts";
import { watchDirectory } from "./leases.ts";

/** Neighbours are left out: they come and go with every conversation. What is ours among them the sweep looks after. */
const GROUPS: readonly MonitorGroup[] = ["link", "address", "route", "rule", "nsid", "router", "nft"];

const CLEAN: Dirty = { everything: false, netns: new Set(), topics: new Set(), actors: [] };

/** What to watch beside the kernel. */
export interface WatchOptions {
  /** The namespace that has an id; undefined when it is nobody's that we look at. */
  readonly nameOf: (id: number) => string | undefined;
  readonly leases: string;
  /** The file in which our time client says that it set the clock. */
  readonly corrected: string;
  readonly namespaces: string;
  /** Called with what router advertisements brought, before anybody hears that something changed. */
  readonly onRouterOptions: (netns: string, options: readonly RouterOption[]) => void;
}

/** Calls back when something may have changed, until it is disposed. */
export function watchHost(
  { nameOf, leases, corrected, namespaces, onRouterOptions }: WatchOptions,
  onDirty: (dirty: Dirty) => void,
): Disposable {
  const monitor = openDigests(null, GROUPS, (digest) => {
    for (const { nsid, options = [] } of digest.dirty) {
      const netns = nsid === null ? HOST : nameOf(nsid);
      if (netns !== undefined && options.length > 0) onRouterOptions(netns, options);
    }
    const dirty = fromDigest(digest, nameOf);
    if (dirty !== undefined) onDirty(dirty);
  });
  const watched = [
    [leases, "leases"],
    // Our own sockets keep a namespace alive whose name is removed: the kernel then has nothing to tell.
    [namespaces, "names"],
    [dirname(corrected), "clock", basename(corrected)],
    [dirname(NODE_RESOLVER), "files", basename(NODE_RESOLVER)],
  ] as const;
  const directories = watched.map(([directory, topic, file]) =>
    watchDirectory(directory, (name) => {
      if (file === undefined || name === null || name === file) onDirty({ ...CLEAN, topics: new Set([topic]) });
    }),
  );
  return {
    [Symbol.dispose]() {
      monitor[Symbol.dispose]();
      for (const watcher of directories) watcher.close();
    },
  };
}

/** What a digest says in our words; undefined when it concerns nobody that we look at. */
export function fromDigest(
  { overrun, dirty }: KernelDigest,
  nameOf: (id: number) => string | undefined,
): Dirty | undefined {
  const places = dirty.flatMap((one) => {
    const netns = one.nsid === null ? HOST : nameOf(one.nsid);
    return netns === undefined ? [] : [{ netns, ...one }];
  });
  const topics = places.some(({ kinds }) => kinds.includes("nsid")) ? (["names"] as const) : [];
  const netns = places.filter(({ kinds }) => kinds.some((kind) => kind !== "nsid")).map((place) => place.netns);
  if (!overrun && netns.length === 0 && topics.length === 0) return undefined;
  return {
    everything: overrun,
    netns: new Set(netns),
    topics: new Set(topics),
    actors: places.flatMap((place) => place.actors.map((actor) => ({ ...actor, netns: place.netns }))),
  };
}
