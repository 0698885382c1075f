import type { ActualFdb, ActualNeighbor } from "../../model/actual.ts";
import type { FdbSpec, NeighborSpec } from "../../model/kernel.ts";
import { KEYS } from "../object-key.ts";
import { leavesVlan } from "./bridge-ports.ts";
import type { DiffContext } from "./context.ts";
import type { KindDiffer } from "./kind-differ.ts";

/** A rule is what all its members say, so none is ever changed; somebody's equal rule is enough. */
export const ruleDiffer: KindDiffer<"rule"> = {
  kind: "rule",
  owned: (seen) => seen.owned,
  vanishes: (seen, context) => context.netnsVanishes(seen.netns),
  foreign: (spec, context) => context.foreign(spec.netns),
  add: (spec) => [{ op: "rule.add", args: spec }],
  change: () => [],
  remove: ({ owned: _owned, ...rule }) => [{ op: "rule.del", args: { kind: "rule", ...rule } }],
};

export const neighborDiffer: KindDiffer<"neighbor"> = {
  kind: "neighbor",
  owned: (seen) => seen.owned,
  vanishes: (seen, context) => context.linkVanishes(seen.netns, seen.dev),
  foreign: (spec, context, seen) =>
    context.foreign(spec.netns, spec.dev) ??
    (seen === undefined || seen.owned || (spec.mac ?? null) === seen.mac
      ? undefined
      : `neighbour ${KEYS.neighbor(spec)} exists (lladdr ${seen.mac ?? "none"}) and is not Netloom's`),
  add: (spec) => [{ op: "neighbor.add", args: spec }],
  // `neighbor.add` replaces.
  change: (spec, seen) => ((spec.mac ?? null) === seen.mac ? [] : [{ op: "neighbor.add", args: spec }]),
  remove: (seen) => [{ op: "neighbor.del", args: specOfNeighbor(seen) }],
};

/** An entry differs in its key or not at all. */
export const fdbDiffer: KindDiffer<"fdb"> = {
  kind: "fdb",
  // One that the kernel made beside ours for a VLAN of the port comes and goes with ours, while the port is in the VLAN.
  owned: (seen, context) => seen.owned && (!context.broadFdb.seen.has(broadKey(seen)) || outlivesVlan(seen, context)),
  // The bridge's table forgets the entries of a port that leaves it.
  vanishes: (seen, context) =>
    context.linkVanishes(seen.netns, seen.dev) ||
    (seen.remote === null && (leavesBridge(seen, context) || goesWithBroad(seen, context))),
  foreign: (spec, context) => context.foreign(spec.netns, spec.dev),
  add: (spec) => [{ op: "fdb.add", args: spec }],
  change: () => [],
  remove: (seen) => [{ op: "fdb.del", args: specOfFdb(seen) }],
};

/** The key of the entry of all VLANs that an entry of one VLAN may belong to; empty for an entry of all. */
function broadKey(entry: ActualFdb): string {
  return entry.vlan === null ? "" : KEYS.fdb({ ...entry, vlan: null });
}

/** The kernel removes the entries of each VLAN when it removes that of all (br_fdb_delete of net/bridge/br_fdb.c). */
function goesWithBroad(seen: ActualFdb, { broadFdb }: Pick<DiffContext, "broadFdb">): boolean {
  const broad = broadKey(seen);
  return broadFdb.seen.has(broad) && !broadFdb.wanted.has(broad);
}

/** An entry of a VLAN that its port leaves would stay, and could not even be removed afterwards. */
function outlivesVlan({ netns, dev, vlan }: ActualFdb, context: DiffContext): boolean {
  const spec = context.wantedLinks.get(KEYS.link({ netns, name: dev }));
  return spec !== undefined && vlan !== null && leavesVlan(spec, vlan, context);
}

function leavesBridge({ netns, dev }: ActualFdb, { links, wantedLinks, linkVanishes }: LinksKnown): boolean {
  const key = KEYS.link({ netns, name: dev });
  const [seen, wanted] = [links.get(key), wantedLinks.get(key)];
  if (seen === undefined || seen.master === null || linkVanishes(netns, seen.master)) return true;
  return wanted === undefined ? seen.adopted : wanted.master !== seen.master;
}

type LinksKnown = Pick<Parameters<KindDiffer<"fdb">["vanishes"]>[1], "links" | "wantedLinks" | "linkVanishes">;

/** The specification of a neighbour as it was seen. */
export function specOfNeighbor({ netns, dev, to, mac, proxy }: ActualNeighbor): NeighborSpec {
  return {
    kind: "neighbor",
    netns,
    dev,
    to,
    ...(mac === null ? {} : { mac }),
    ...(proxy ? { proxy } : {}),
  };
}

/** The specification of a forwarding entry as it was seen. */
function specOfFdb({ netns, dev, mac, remote, vni, port, vlan }: ActualFdb): FdbSpec {
  return {
    kind: "fdb",
    netns,
    dev,
    mac,
    ...(remote === null ? {} : { remote }),
    ...(vni === null ? {} : { vni }),
    ...(port === null ? {} : { port }),
    ...(vlan === null ? {} : { vlan }),
  };
}
