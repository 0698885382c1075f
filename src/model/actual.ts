import { HOST, type LinkId, type RouteHop, type RouteType, type RuleSpec } from "./kernel.ts";
import type { ObservedOptions, PortSpec, PortVlan } from "./link-options.ts";
import type { ActualOvs } from "./ovs.ts";

/** What was observed in the kernel and at the supervisor: the differ's other input. Keys are those of `objectKey`. */

export interface ActualLink {
  readonly netns: string;
  readonly name: string;
  readonly index: number;
  /** IFLA_INFO_KIND; a link without one is `physical`, or `loopback`. */
  readonly type: string;
  readonly mac: string | null;
  readonly mtu: number;
  readonly up: boolean;
  readonly carrier: boolean;
  readonly master: string | null;
  /** True when the bridge it is a port of is ours. */
  readonly masterOwned: boolean;
  /** True when we made someone else's link a port, and not whoever plugs members into our bridge. */
  readonly adopted: boolean;
  /** Index of the other end of a veth pair, in that end's namespace. */
  readonly peerIndex: number | null;
  /** The link that it sits on; null when there is none. One in another namespace may not be known, and is not compared. */
  readonly lower: LinkId | "unknown" | null;
  /**
   * Of a WireGuard device of ours, the namespace of its UDP socket as it was when we made the device: the kernel does not tell. Null
   * when that namespace is no more, and for all other links.
   */
  readonly bornIn: string | null;
  /** What its kind has; null when that was not observed, and then it is not compared. */
  readonly options: ObservedOptions | null;
  /** As a port of a bridge; null when it is none, or that was not observed. */
  readonly port: PortSpec | null;
  /** VLANs of a bridge port or of a bridge; null when they were not observed. */
  readonly vlans: readonly PortVlan[] | null;
  /** Text for people; null when there is none. */
  readonly alias: string | null;
  /** IFLA_GROUP. */
  readonly group: number;
  readonly owned: boolean;
}

export interface ActualNetns {
  readonly name: string;
  /** IFLA_GROUP of its `lo`: whose it is. */
  readonly mark?: number;
  readonly owned: boolean;
}

export interface ActualAddress {
  readonly netns: string;
  readonly dev: string;
  readonly address: string;
  /** Seconds since the kernel started; null is for ever. */
  readonly validUntil: number | null;
  readonly preferredUntil: number | null;
  readonly owned: boolean;
}

export interface ActualRoute {
  readonly netns: string;
  readonly to: string;
  readonly table: number;
  readonly type: RouteType;
  /** Null for a route with several hops, or one that leads nowhere. */
  readonly dev: string | null;
  readonly via: string | null;
  readonly metric: number | null;
  readonly source: string | null;
  readonly mtu: number | null;
  readonly advmss: number | null;
  readonly onlink: boolean;
  /** Empty for a route with one way. */
  readonly hops: readonly RouteHop[];
  /** rtm_protocol: who made it. */
  readonly protocol: number;
  readonly owned: boolean;
}

/** Every member that the rule has, and no other: a rule is what its members say. */
export interface ActualRule extends Omit<RuleSpec, "kind"> {
  readonly owned: boolean;
}

/** A permanent neighbour or proxy entry; what the kernel learned by asking is not among them. */
export interface ActualNeighbor {
  readonly netns: string;
  readonly dev: string;
  readonly to: string;
  readonly mac: string | null;
  readonly proxy: boolean;
  readonly owned: boolean;
}

/** A static forwarding entry. The kernel keeps no owner of it: ours are those on links of ours. */
export interface ActualFdb {
  readonly netns: string;
  readonly dev: string;
  readonly mac: string;
  readonly remote: string | null;
  readonly vni: number | null;
  readonly port: number | null;
  readonly vlan: number | null;
  readonly owned: boolean;
}

export interface ActualPeer {
  readonly publicKey: string;
  /** Where the kernel sends to now, learned by roaming or given. */
  readonly endpoint: string | null;
  /** The endpoint that we gave last; null when none. */
  readonly givenEndpoint: string | null;
  readonly allowedIps: readonly string[];
  readonly keepalive: number;
  /** Fingerprint of its preshared key, empty when we do not know which one it is; null when it has none. */
  readonly presharedKey: string | null;
  /** Unix seconds; 0 when there was none. */
  readonly lastHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

export interface ActualWireguard {
  readonly netns: string;
  readonly dev: string;
  readonly publicKey: string | null;
  readonly listenPort: number;
  /** 0 is none. */
  readonly fwmark: number;
  readonly peers: readonly ActualPeer[];
}

export interface ActualNft {
  readonly netns: string;
  readonly family: string;
  readonly table: string;
  /** Hash of the content that we loaded, kept in the table's comment; null when there is none. */
  readonly hash: string | null;
  /** True when someone changed a ruleset of this namespace after we loaded the table. */
  readonly touched: boolean;
}

export interface ActualSysctl {
  readonly netns: string;
  readonly key: string;
  readonly value: string | null;
  /** Of a link that is not ours: what it was before we set it, to go back to; null when we did not. */
  readonly before: string | null;
}

/** A file where ours may be, whoever wrote it. */
export interface ActualFile {
  readonly path: string;
  /** Hash of the content below our mark; null when the mark is not ours. */
  readonly hash: string | null;
  readonly mode: number;
  readonly owned: boolean;
}

export interface ActualProcess {
  readonly name: string;
  /** Hash of the definition that the supervisor keeps alive. */
  readonly hash: string | null;
}

export interface Actual {
  /** Our namespaces. */
  readonly netns: readonly ActualNetns[];
  readonly link: readonly ActualLink[];
  /** Everybody's; empty when nobody asked for any. */
  readonly ovs: readonly ActualOvs[];
  readonly address: readonly ActualAddress[];
  readonly neighbor: readonly ActualNeighbor[];
  readonly fdb: readonly ActualFdb[];
  readonly route: readonly ActualRoute[];
  readonly rule: readonly ActualRule[];
  readonly wireguard: readonly ActualWireguard[];
  readonly nft: readonly ActualNft[];
  readonly sysctl: readonly ActualSysctl[];
  readonly file: readonly ActualFile[];
  readonly process: readonly ActualProcess[];
}

/** Nothing there, or nobody looked. */
export const NOTHING_SEEN: Actual = {
  netns: [],
  link: [],
  ovs: [],
  address: [],
  neighbor: [],
  fdb: [],
  route: [],
  rule: [],
  wireguard: [],
  nft: [],
  sysctl: [],
  file: [],
  process: [],
};

/** A link of the node as the kernel shows one that nobody touched: switched off, on its own, and nobody's. */
export function untouchedLink(part: Pick<ActualLink, "name" | "index" | "type"> & Partial<ActualLink>): ActualLink {
  return {
    netns: HOST,
    mac: null,
    mtu: 1500,
    up: false,
    carrier: true,
    master: null,
    masterOwned: false,
    adopted: false,
    peerIndex: null,
    lower: null,
    bornIn: null,
    options: null,
    port: null,
    vlans: null,
    alias: null,
    group: 0,
    owned: false,
    ...part,
  };
}
