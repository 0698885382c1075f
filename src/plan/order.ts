import type { ActualLink } from "../model/actual.ts";
import { HOST, type LinkId, type LinkSpec } from "../model/kernel.ts";
import { visitStep, type Step, type StepTable } from "../model/step.ts";
import { KEYS } from "./object-key.ts";

/**
 * Ranks give the order of seed 000: bridges, namespace, veth pairs, addresses and routes, rules, and WireGuard after
 * all of them with its own address and route. What goes away goes first and the other way round:
 * processes, then the namespace, then its bridges.
 */
const RANK = {
  // Before anything is done to the NIC by the name that it gets.
  rename: -1,
  processDel: 0,
  fileDel: 0.5,
  unpeer: 1,
  nftDel: 2,
  ruleDel: 3,
  routeDel: 4,
  addressDel: 5,
  neighborDel: 5.5,
  // Before the VLAN that it is of leaves its port: the kernel then refuses to remove it.
  fdbDel: 5.6,
  // Before the links that are ports of them vanish, and before another bridge takes a port.
  // What stands on them would go with them.
  linkDelOverOvs: 5.7,
  ovsUnport: 5.8,
  ovsDel: 5.9,
  linkDelInside: 5.95,
  netnsDel: 6,
  linkDel: 7,
  bridge: 10,
  netns: 11,
  sysctl: 12,
  // Before links that sit on it: their MTU must not be above its own.
  linkChange: 12.5,
  link: 13,
  // After its ports, before what stands on the links that it makes.
  ovs: 13.5,
  linkDown: 13.9,
  // Ports come after whatever they are plugged into, and flags and VLANs after them.
  master: 14,
  afterPorts: 14.1,
  port: 14.2,
  vlanDel: 14.3,
  vlan: 14.4,
  fdb: 14.6,
  address: 15,
  neighbor: 15.5,
  route: 16,
  nft: 17,
  // After the filters, and after every link was told to heed router advertisements all the same (accept_ra=2): those that do not lose
  // their default routes (addrconf_fixup_forwarding).
  forwarding: 17.5,
  wireguardLink: 20,
  wireguardDevice: 21,
  wireguardPeer: 22,
  wireguardAddress: 23,
  wireguardRoute: 24,
  // After the WireGuard devices whose sockets were in it are made anew elsewhere.
  birthNetnsDel: 24.5,
  rule: 25,
  // Before the processes that read it.
  file: 29,
  process: 30,
} as const;

const FORWARDING = /\.(?:ip_forward|forwarding)$/u;

/** What one link that stands on another comes after it. */
const ABOVE = 0.01;

/** What the order of steps depends on. */
interface LinksKnown {
  readonly wantedLinks: ReadonlyMap<string, LinkSpec>;
  /** Links that wanted bridges of Open vSwitch make, by key. */
  readonly ovsLinks: ReadonlySet<string>;
  /** Links that stand on one that Open vSwitch made, by key. */
  readonly overOvs: ReadonlySet<string>;
  /** Observed links by key. */
  readonly links: ReadonlyMap<string, ActualLink>;
}

/** The steps in an order in which each finds what it needs; steps of one rank keep the order of the documents. */
export function orderSteps(
  steps: readonly Step[],
  { wantedLinks, ovsLinks, overOvs, links }: LinksKnown,
): readonly Step[] {
  const linkRank = linkRanks(wantedLinks, ovsLinks);
  const tunnels = new Set([...wantedLinks].flatMap(([key, { type }]) => (type === "wireguard" ? [key] : [])));
  const onWireguard = (netns: string, name: string): boolean =>
    tunnels.size > 0 && tunnels.has(KEYS.link({ netns, name }));
  const births = new Set(
    [...tunnels].map((key) => links.get(key)?.bornIn).filter((netns) => netns !== undefined && netns !== null),
  );
  const goingNetns = new Set(steps.flatMap(({ op, args }) => (op === "netns.del" ? [args.name] : [])));
  const ranks: StepTable<number> = {
    "process.del": () => RANK.processDel,
    "wireguard.unpeer": () => RANK.unpeer,
    "nft.del": () => RANK.nftDel,
    "rule.del": () => RANK.ruleDel,
    "route.del": () => RANK.routeDel,
    "address.del": () => RANK.addressDel,
    "neighbor.del": () => RANK.neighborDel,
    "netns.del": ({ name }) => (births.has(name) ? RANK.birthNetnsDel : RANK.netnsDel),
    "link.del": (link) =>
      overOvs.has(KEYS.link(link))
        ? RANK.linkDelOverOvs
        : goingNetns.has(link.netns)
          ? RANK.linkDelInside
          : RANK.linkDel,
    "ovs.unport": () => RANK.ovsUnport,
    "ovs.del": () => RANK.ovsDel,
    "ovs.set": () => RANK.ovs,
    "netns.add": () => RANK.netns,
    // A knob of a link (net.ipv6.conf.r-demo.…) is there only after the link.
    "sysctl.set": ({ netns, dev, key, value }) =>
      FORWARDING.test(key) && value !== "0"
        ? RANK.forwarding
        : dev === undefined
          ? RANK.sysctl
          : Math.max(RANK.sysctl, linkRank({ netns, name: dev }) + ABOVE / 2),
    "link.add": (link) => linkRank(link),
    "link.set": ({ netns, name, up, master, options }) =>
      up === false
        ? RANK.linkDown
        : typeof master === "string"
          ? RANK.master
          : options === undefined
            ? ovsLinks.has(KEYS.link({ netns, name }))
              ? RANK.ovs + ABOVE
              : RANK.linkChange
            : RANK.afterPorts,
    "link.rename": () => RANK.rename,
    "link.port": () => RANK.port,
    "vlan.del": () => RANK.vlanDel,
    "vlan.add": () => RANK.vlan,
    "fdb.del": () => RANK.fdbDel,
    "fdb.add": () => RANK.fdb,
    "address.add": ({ netns, dev }) => (onWireguard(netns, dev) ? RANK.wireguardAddress : RANK.address),
    "neighbor.add": () => RANK.neighbor,
    "route.add": ({ netns, dev, hops = [] }) =>
      (dev !== undefined && onWireguard(netns, dev)) || hops.some((hop) => onWireguard(netns, hop.dev))
        ? RANK.wireguardRoute
        : RANK.route,
    "rule.add": () => RANK.rule,
    "nft.load": () => RANK.nft,
    "wireguard.device": () => RANK.wireguardDevice,
    "wireguard.peer": () => RANK.wireguardPeer,
    "file.set": () => RANK.file,
    "file.del": () => RANK.fileDel,
    "process.set": () => RANK.process,
  };
  // There are a few dozen ranks, however many steps.
  return [...Map.groupBy(steps, (step) => visitStep(ranks, step))]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([, same]) => same);
}

/** The rank at which a link is made: after its namespace, and after what it sits on or is plugged into. */
function linkRanks(wantedLinks: ReadonlyMap<string, LinkSpec>, ovsLinks: ReadonlySet<string>): (id: LinkId) => number {
  const known = new Map<string, number>();
  const rankOf = (id: LinkId): number => {
    const key = KEYS.link(id);
    if (ovsLinks.has(key)) return RANK.ovs;
    const spec = wantedLinks.get(key);
    if (spec === undefined || spec.type === "physical") return RANK.bridge;
    const own = base(spec);
    const { lower, bornWith, master } = spec;
    if (lower === undefined && bornWith === undefined && master === undefined) return own;
    const before = known.get(key);
    if (before !== undefined) return before;
    // Whoever stands on itself is refused by the kernel; here it must only come to an end.
    known.set(key, own);
    const above = (link: LinkId | undefined): number => (link === undefined ? own : rankOf(link) + ABOVE);
    const port = master === undefined ? own : rankOf({ netns: spec.netns, name: master }) + ABOVE;
    const rank = Math.max(own, above(lower), above(bornWith), port);
    known.set(key, rank);
    return rank;
  };
  return rankOf;
}

function base({ type, netns }: LinkSpec): number {
  if (type === "wireguard") return RANK.wireguardLink;
  return type === "bridge" && netns === HOST ? RANK.bridge : RANK.link;
}
