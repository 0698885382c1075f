import { NOTHING_SEEN, type Actual, type ActualRoute } from "../../model/actual.ts";
import type { Target } from "../../model/kernel.ts";

/** What was observed in one namespace. */
export type InNetns = Omit<Actual, "netns" | "ovs" | "file" | "process">;

const { netns: _netns, ovs: _ovs, file: _file, process: _process, ...nothingInside } = NOTHING_SEEN;
export const NOTHING: InNetns = nothingInside;

/**
 * Of a namespace that is not ours, what `wish` names in it: the links, what is on them, and tables of that name. The rest may be
 * marked as ours and still be another daemon's, which plugged the same container into a LAN of its own. Pure.
 */
export function onlyNamed(seen: InNetns, wish: Target): InNetns {
  const names = new Set(wish.flatMap((object) => (object.kind === "link" ? [object.name] : [])));
  const destinations = new Set(wish.flatMap((object) => (object.kind === "route" ? [object.to] : [])));
  const tables = new Set(wish.flatMap((object) => (object.kind === "nft" ? [object.table] : [])));
  const priorities = new Set(wish.flatMap((object) => (object.kind === "rule" ? [object.priority] : [])));
  const onNamed = ({ dev }: { readonly dev: string }): boolean => names.has(dev);
  const onNamedLink = ({ dev, hops }: ActualRoute): boolean =>
    [dev, ...hops.map((hop) => hop.dev)].some((name) => name !== null && names.has(name));
  // One on another link stands in the way of ours and is not ours to replace.
  const named = (route: ActualRoute): readonly ActualRoute[] =>
    onNamedLink(route) ? [route] : destinations.has(route.to) ? [{ ...route, owned: false }] : [];
  return {
    link: seen.link.filter(({ name }) => names.has(name)),
    address: seen.address.filter(onNamed),
    neighbor: seen.neighbor.filter(onNamed),
    fdb: seen.fdb.filter(onNamed),
    route: seen.route.flatMap(named),
    rule: seen.rule.filter(({ priority }) => priorities.has(priority)),
    wireguard: seen.wireguard.filter(onNamed),
    nft: seen.nft.filter(({ table }) => tables.has(table)),
    sysctl: seen.sysctl,
  };
}
