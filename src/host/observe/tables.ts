import type {
  ActualAddress,
  ActualFdb,
  ActualLink,
  ActualNeighbor,
  ActualRoute,
  ActualRule,
} from "../../model/actual.ts";
import type { NicFact } from "../../model/facts.ts";
import { DEPRECATED, OWNER, type RouteType } from "../../model/kernel.ts";
import type { PortVlan } from "../../model/link-options.ts";
import type { NicDetail } from "../nic-details.ts";
import type { Link, Route, Tables, Vlan } from "../netlink-types.ts";

/** The tables of one namespace in the words of the model. Pure. */
export interface Look {
  readonly netns: string;
  readonly tables: Pick<Tables, "links" | "addresses" | "routes"> & Partial<Tables>;
  /** Seconds since the kernel started, when the dump was made. */
  readonly now: number;
  /** True when we made somebody's link a port. */
  readonly isAdopted: (netns: string, name: string, index: number) => boolean;
  /** Where a WireGuard device of ours was born; null when that namespace is gone. */
  readonly bornIn: (name: string) => string | null;
}

export function linksOf({ netns, tables, isAdopted, bornIn }: Look): readonly ActualLink[] {
  const byIndex = new Map(tables.links.map((link) => [link.index, link]));
  const vlans = tables.vlans === undefined ? undefined : Map.groupBy(tables.vlans, ({ index }) => index);
  return tables.links.map((link) => {
    const master = link.master === null ? undefined : byIndex.get(link.master);
    return {
      netns,
      name: link.name,
      index: link.index,
      type: link.kind ?? (link.type === "loopback" ? "loopback" : "physical"),
      mac: link.mac,
      mtu: link.mtu,
      up: link.up,
      carrier: link.carrier,
      master: master?.name ?? null,
      masterOwned: master !== undefined && isOurs(master),
      adopted: isAdopted(netns, link.name, link.index),
      peerIndex: link.peerIndex,
      lower: lowerOf(netns, link, byIndex),
      bornIn: isTunnelOfOurs(link) && link.carrier ? bornIn(link.name) : null,
      options: link.options ?? null,
      port: link.port ?? null,
      vlans: hasVlans(link, master) && vlans !== undefined ? (vlans.get(link.index) ?? []).map(portVlan) : null,
      alias: link.alias,
      group: link.group,
      owned: isOurs(link),
    };
  });
}

/** It loses its carrier, which it has from the start, when the namespace of its UDP socket ends (wg_netns_pre_exit of drivers/net/wireguard/device.c). */
export function isTunnelOfOurs(link: Link): boolean {
  return link.kind === "wireguard" && isOurs(link);
}

/** Links of ours that count as NICs, by name. */
export type MadeLinks = ReadonlyMap<string, NonNullable<NicFact["made"]>>;

/** Whatever has an Ethernet address and is neither a bridge nor a link of ours, but for those that count as NICs. */
export function nicLinks(links: readonly Link[], made: MadeLinks = new Map()): readonly Link[] {
  return links.filter(
    (link) =>
      link.type === "ether" && link.mac !== null && (isOurs(link) ? made.has(link.name) : link.kind !== "bridge"),
  );
}

/** NICs, with what their drivers say by index; only one without a kind has hardware behind it. */
export function nicsOf(
  { links, addresses }: Pick<Tables, "links" | "addresses">,
  made: MadeLinks = new Map(),
  details: ReadonlyMap<number, NicDetail> = new Map(),
): readonly NicFact[] {
  return nicLinks(links, made).map((link) => ({
    name: link.name,
    mac: link.mac ?? "",
    ...(link.permanentMac === null ? {} : { permanentMac: link.permanentMac }),
    physical: link.kind === null,
    carrier: link.carrier,
    ...(link.carrierUps === undefined ? {} : { carrierUps: link.carrierUps }),
    ...(link.parentDev === null ? {} : { device: link.parentDev }),
    ...(link.maxMtu === undefined ? {} : { maxMtu: link.maxMtu }),
    ...(isOurs(link) ? { made: made.get(link.name) ?? "bond" } : {}),
    ...usedByOthers(link, links, addresses),
    ...details.get(link.index),
  }));
}

/** IFAPROT_KERNEL_LO, _RA and _LL of linux/if_addr.h: addresses that the kernel makes by itself. */
const KERNEL_MADE = new Set([1, 2, 3]);

/** Why a NIC is not free: somebody else gave it an address, or made it a port. */
function usedByOthers(nic: Link, links: readonly Link[], addresses: Tables["addresses"]): Pick<NicFact, "foreign"> {
  const master = links.find(({ index }) => index === nic.master);
  if (master !== undefined && !isOurs(master))
    return { foreign: `it is a port of ${master.name}, which is not Netloom's` };
  const address = addresses.find(
    ({ index, scope, proto }) =>
      index === nic.index && scope === "global" && proto !== OWNER.protocol && !KERNEL_MADE.has(proto),
  );
  return address === undefined ? {} : { foreign: `it has ${address.address}, which is not Netloom's` };
}

/** Links whose IFLA_LINK is the link they sit on; of a veth it is the other end. */
const UPPER = new Set(["vlan", "vxlan", "macvlan", "macvtap"]);

function lowerOf(netns: string, link: Link, byIndex: ReadonlyMap<number, Link>): ActualLink["lower"] {
  const { lower, kind } = link;
  if (kind === null || !UPPER.has(kind) || lower === null) return null;
  // One in another namespace has a number there that says nothing here.
  const found = lower === undefined || lower.netnsId !== null ? undefined : byIndex.get(lower.index);
  return found === undefined ? "unknown" : { netns, name: found.name };
}

function hasVlans(link: Link, master: Link | undefined): boolean {
  return link.kind === "bridge" || master?.kind === "bridge";
}

function portVlan({ id, pvid, untagged }: Vlan): PortVlan {
  return { id, ...(pvid ? { pvid } : {}), ...(untagged ? { untagged } : {}) };
}

export function addressesOf({ netns, tables, now }: Look): readonly ActualAddress[] {
  const names = namesOf(tables.links);
  return tables.addresses.flatMap(({ index, address, proto, validLifetime, preferredLifetime = validLifetime }) => {
    const dev = names.get(index);
    const until = (left: number | null): number | null => (left === null ? null : now + left);
    return dev === undefined
      ? []
      : [
          {
            netns,
            dev,
            address,
            validUntil: until(validLifetime),
            preferredUntil: preferredLifetime === 0 ? DEPRECATED : until(preferredLifetime),
            owned: proto === OWNER.protocol,
          },
        ];
  });
}

/** rt_tables(5): the kernel's own. */
const TABLE_LOCAL = 255;

const TYPES: readonly string[] = ["unicast", "blackhole", "unreachable", "prohibit"] satisfies RouteType[];

/** Routes of the main table, and ours of any. */
export function routesOf({ netns, tables }: Look): readonly ActualRoute[] {
  const names = namesOf(tables.links);
  return tables.routes.flatMap((route) => {
    const owned = route.protocol === OWNER.protocol;
    const hops = (route.hops ?? []).flatMap(({ index, via, weight }) => {
      const dev = names.get(index);
      return dev === undefined ? [] : [{ dev, ...(via === null ? {} : { via }), weight }];
    });
    const dev = route.index === null ? null : (names.get(route.index) ?? null);
    if (route.table === TABLE_LOCAL || !isType(route.type)) return [];
    if (route.type === "unicast" && dev === null && hops.length === 0) return [];
    return [
      {
        netns,
        to: destination(route),
        table: route.table,
        type: route.type,
        dev: route.type === "unicast" ? dev : null,
        via: route.via,
        metric: route.metric,
        source: route.source,
        mtu: route.mtu ?? null,
        advmss: route.advmss ?? null,
        onlink: route.onlink ?? false,
        hops,
        protocol: route.protocol,
        owned,
      },
    ];
  });
}

function isType(type: string): type is RouteType {
  return TYPES.includes(type);
}

function destination({ to, family }: Route): string {
  return to !== "default" ? to : family === 4 ? "0.0.0.0/0" : "::/0";
}

/** Rules that we can say, whoever made them; of the others none can be the one we want. */
export function rulesOf({ netns, tables }: Look): readonly ActualRule[] {
  return (tables.rules ?? []).flatMap(({ action, other, protocol, ...members }) =>
    action === "other" || other ? [] : [{ netns, ...members, action, owned: protocol === OWNER.protocol }],
  );
}

export function neighborsOf({ netns, tables }: Look): readonly ActualNeighbor[] {
  const names = namesOf(tables.links);
  return (tables.neighbors ?? []).flatMap(({ index, to, mac, proxy, state, protocol }) => {
    const dev = names.get(index);
    if (dev === undefined || (state !== "permanent" && !proxy)) return [];
    return [{ netns, dev, to, mac, proxy, owned: protocol === OWNER.protocol }];
  });
}

/** The entry that a vxlan has from its own `group`. */
const ALL_UNKNOWN = "00:00:00:00:00:00";

/** Static entries. The kernel keeps no owner of them, so ours are those on links of ours. */
export function fdbOf({ netns, tables }: Look): readonly ActualFdb[] {
  const byIndex = new Map(tables.links.map((link) => [link.index, link]));
  return (tables.fdb ?? []).flatMap(({ index, mac, remote, vni, port, vlan }) => {
    const link = byIndex.get(index);
    if (link === undefined) return [];
    if (mac === ALL_UNKNOWN && remote !== null && remote === link.options?.["group"]) return [];
    const owned = isOurs(link);
    return [{ netns, dev: link.name, mac, remote, vni, port, vlan, owned }];
  });
}

function namesOf(links: readonly Link[]): ReadonlyMap<number, string> {
  return new Map(links.map((link) => [link.index, link.name]));
}

/** Ours by its mark, or about to be deleted by us when we ended. */
function isOurs({ group }: Link): boolean {
  return group === OWNER.linkGroup || group >>> 16 === OWNER.doomed;
}
