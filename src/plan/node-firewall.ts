import { cidr } from "../lib/ip.ts";
import type { NodeFirewall } from "../model/document.ts";
import { HOST, OWNER, type NftSpec } from "../model/kernel.ts";
import { established, FAMILY, invalid, match, nftObjects, PRIORITY } from "./nft-objects.ts";

const TABLE = `${OWNER.nftTable}-node`;
const { baseChain, chain, rule } = nftObjects(TABLE);
/** Rules for what comes in by the links that are filtered. */
const OUTSIDE = "outside";

/** What may come in from outside. */
export interface Openings {
  readonly netns: string;
  /** The links that lead outside; what comes in by others is not filtered. */
  readonly links: readonly string[];
  /** Addresses are got by DHCP there. */
  readonly dhcp: boolean;
  /** UDP ports of WireGuard sockets of the namespace. */
  readonly wireguard: readonly number[];
  /** Networks that may ask for the time. */
  readonly timeFor: readonly string[];
  /** `Node.firewall.open`: "tcp/22", "udp/8000-8010". */
  readonly open: readonly string[];
}

/**
 * The filter of what comes in from outside: what belongs to a connection, ICMP of both families, DHCP's answers, WireGuard, and what the
 * node opens. The rest is dropped. What is forwarded, and what comes in by LANs and from resources, is no affair of it.
 */
export function compileNodeFirewall({ netns, links, dhcp, wireguard, timeFor, open }: Openings): NftSpec {
  const accept = { accept: null };
  const ports = [...new Set(wireguard)].toSorted((a, b) => a - b);
  const objects = [
    baseChain({ name: "input", hook: "input", priority: PRIORITY.filter, policy: "accept" }),
    chain(OUTSIDE),
    ...links.map((link) => rule("input", [match({ meta: { key: "iifname" } }, link), { jump: { target: OUTSIDE } }])),
    rule(OUTSIDE, established),
    // Before what is invalid: neighbours are found by it, and paths measured (RFC 4890).
    ...["icmp", "ipv6-icmp"].map((protocol) => rule(OUTSIDE, [match({ meta: { key: "l4proto" } }, protocol), accept])),
    rule(OUTSIDE, invalid),
    ...(dhcp ? answersOfDhcp.map((expr) => rule(OUTSIDE, [...expr, accept])) : []),
    ...(ports.length === 0 ? [] : [rule(OUTSIDE, [match(port("udp", "dport"), oneOf(ports)), accept])]),
    ...timeFor.map((network) => rule(OUTSIDE, [from(network), match(port("udp", "dport"), 123), accept])),
    ...open.map((text) => rule(OUTSIDE, [opened(text), accept])),
    rule(OUTSIDE, [{ drop: null }]),
  ];
  return { kind: "nft", netns, family: FAMILY, table: TABLE, objects };
}

/** A first answer is to an address that is not ours yet, so that it belongs to no connection (RFC 2131; RFC 8415 section 7.2). */
const answersOfDhcp: readonly (readonly unknown[])[] = [
  [match(port("udp", "sport"), 67), match(port("udp", "dport"), 68)],
  [
    match({ payload: { protocol: "ip6", field: "daddr" } }, { prefix: { addr: "fe80::", len: 10 } }),
    match(port("udp", "dport"), 546),
  ],
];

function port(protocol: string, field: "sport" | "dport"): unknown {
  return { payload: { protocol, field } };
}

function oneOf(ports: readonly number[]): unknown {
  return ports.length === 1 ? ports[0] : { set: ports };
}

function from(network: string): unknown {
  const { address, prefix, family } = cidr(network);
  // nftables knows no prefix without a bit; one rule that it refuses would take the whole filter with it.
  if (prefix === 0) return match({ meta: { key: "nfproto" } }, `ipv${family}`);
  return match(
    { payload: { protocol: family === 6 ? "ip6" : "ip", field: "saddr" } },
    { prefix: { addr: address, len: prefix } },
  );
}

/** "udp/8000-8010", whose shape the document's schema has checked. */
function opened(text: string): unknown {
  const [protocol = "", range = ""] = text.split("/");
  const [first, last] = range.split("-").map(Number);
  return match(port(protocol, "dport"), last === undefined || last === first ? first : { range: [first, last] });
}

/** What `nodeFirewalls` decides by. */
export interface FirewallInputs {
  readonly firewall: NodeFirewall | undefined;
  /** The uplink's bridge, or before it is chosen all that may become that; empty on a node that has none. */
  readonly uplinks: readonly string[];
  readonly timeFor: readonly string[];
  /** The public side's namespace and link in it; null when there is none. WireGuard's sockets are there then. */
  readonly publicSide: { readonly netns: string; readonly link: string } | null;
  readonly wireguard: readonly number[];
}

/** The filters of the node: of its uplink and of its public side, unless its document switches them off. */
export function nodeFirewalls(inputs: FirewallInputs): readonly NftSpec[] {
  const { firewall = {}, uplinks, timeFor, publicSide, wireguard } = inputs;
  if (firewall.mode === "off") return [];
  const { open = [] } = firewall;
  return [
    ...(uplinks.length === 0
      ? []
      : [
          compileNodeFirewall({
            netns: HOST,
            links: uplinks,
            dhcp: true,
            wireguard: publicSide === null ? wireguard : [],
            timeFor,
            open,
          }),
        ]),
    ...(publicSide === null
      ? []
      : [
          compileNodeFirewall({
            netns: publicSide.netns,
            links: [publicSide.link],
            dhcp: false,
            wireguard,
            timeFor: [],
            open,
          }),
        ]),
  ];
}
