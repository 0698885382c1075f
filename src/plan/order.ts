import type { LinkSpec } from "../model/kernel.ts";
import { visitStep, type Step, type StepTable } from "../model/step.ts";
import { KEYS } from "./object-key.ts";

/**
 * Ranks give the order of seed 000: bridges, namespace, veth pairs, addresses and routes, rules, and WireGuard after
 * all of them with its own address and route. What goes away goes first and the other way round:
 * processes, then the namespace, then its bridges.
 */
const RANK = {
  processDel: 0,
  unpeer: 1,
  nftDel: 2,
  routeDel: 3,
  addressDel: 4,
  netnsDel: 5,
  linkDel: 6,
  bridge: 10,
  netns: 11,
  sysctl: 12,
  veth: 13,
  linkSet: 14,
  address: 15,
  route: 16,
  nft: 17,
  wireguardLink: 20,
  wireguardDevice: 21,
  wireguardPeer: 22,
  wireguardAddress: 23,
  wireguardRoute: 24,
  process: 30,
} as const;

/** The steps in an order in which each finds what it needs; steps of one rank keep the order of the documents. */
export function orderSteps(steps: readonly Step[], wantedLinks: ReadonlyMap<string, LinkSpec>): readonly Step[] {
  const onWireguard = (netns: string, name: string): boolean =>
    wantedLinks.get(KEYS.link({ netns, name }))?.type === "wireguard";
  const ranks: StepTable<number> = {
    "process.del": () => RANK.processDel,
    "wireguard.unpeer": () => RANK.unpeer,
    "nft.del": () => RANK.nftDel,
    "route.del": () => RANK.routeDel,
    "address.del": () => RANK.addressDel,
    "netns.del": () => RANK.netnsDel,
    "link.del": () => RANK.linkDel,
    "netns.add": () => RANK.netns,
    // A knob of a link (net.ipv6.conf.r-demo.…) is there only after the link.
    "sysctl.set": () => RANK.sysctl,
    "link.add": ({ type }) => (type === "bridge" ? RANK.bridge : type === "wireguard" ? RANK.wireguardLink : RANK.veth),
    "link.set": () => RANK.linkSet,
    "address.add": ({ netns, dev }) => (onWireguard(netns, dev) ? RANK.wireguardAddress : RANK.address),
    "route.add": ({ netns, dev }) => (onWireguard(netns, dev) ? RANK.wireguardRoute : RANK.route),
    "nft.load": () => RANK.nft,
    "wireguard.device": () => RANK.wireguardDevice,
    "wireguard.peer": () => RANK.wireguardPeer,
    "process.set": () => RANK.process,
  };
  return steps.toSorted((a, b) => visitStep(ranks, a) - visitStep(ranks, b));
}
