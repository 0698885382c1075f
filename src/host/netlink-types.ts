import type { RuleAction } from "../model/kernel.ts";
import type { ObservedOptions, PortSpec } from "../model/link-options.ts";

/** What crosses the boundary to the addon: JSON in the shapes of native/net, seen from TypeScript. */

/** One link of a namespace. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFLA_INFO_KIND; null for links without one (physical NICs, `lo`). */
  readonly kind: string | null;
  /** Link layer; other ARPHRD numbers as they are. */
  readonly type: "ether" | "loopback" | "none" | number;
  readonly mac: string | null;
  /** The address that the device was made with; null for virtual links. */
  readonly permanentMac: string | null;
  readonly mtu: number;
  /** The most that its driver takes; left out where it says nothing. */
  readonly maxMtu?: number;
  /** IFF_UP: switched on. */
  readonly up: boolean;
  /** Somebody is there at the other end. */
  readonly carrier: boolean;
  /** How often it got carrier. */
  readonly carrierUps?: number;
  /** Flags M and O of the last router advertisement that it heeded; left out before the first one. */
  readonly router?: { readonly managed: boolean; readonly other: boolean };
  /** RFC 2863. */
  readonly operstate: "unknown" | "notpresent" | "down" | "lowerlayerdown" | "testing" | "dormant" | "up";
  /** Index of the bridge that it is a port of. */
  readonly master: number | null;
  readonly group: number;
  readonly alias: string | null;
  /** Index of the other end of a veth pair, in the namespace `peerNetnsId`. */
  readonly peerIndex: number | null;
  /** Null when the other end is in the same namespace. */
  readonly peerNetnsId: number | null;
  /** Options of its kind, with the keys of the request that sets them; null for a kind that has none, or that is not known. */
  readonly options?: ObservedOptions | null;
  /** The link that it sits on (IFLA_LINK); `netnsId` is null when that is in the same namespace. */
  readonly lower?: { readonly index: number; readonly netnsId: number | null } | null;
  /** Flags of a bridge port; null when it is none. */
  readonly port?: Required<PortSpec> | null;
  /** Bus address: "0000:00:03.0", "virtio0". */
  readonly parentDev: string | null;
  /** "pci", "virtio". */
  readonly parentBus: string | null;
  readonly stats: {
    readonly rxBytes: number;
    readonly txBytes: number;
    readonly rxPackets: number;
    readonly txPackets: number;
  };
}

/** What the driver of a link says about the other end of the cable; null is what it does not know. */
export interface LinkState {
  readonly index: number;
  readonly name: string;
  /** Somebody is there. */
  readonly link: boolean | null;
  /** Megabits per second. */
  readonly speed: number | null;
  readonly duplex: "half" | "full" | null;
  /** Speed and duplex were agreed upon with the other end. */
  readonly autoneg: boolean | null;
  readonly driver: string | null;
  /** Address of the device as the driver tells it, "0000:00:03.0". */
  readonly bus: string | null;
}

/** What came of a question to a host; both are null while nothing did, and `why` is the kernel's when it failed. */
export interface Reached {
  readonly passed: boolean | null;
  readonly why: string | null;
}

/** Reach of an address or a route (RT_SCOPE_*). */
type Scope = "global" | "site" | "link" | "host" | "nowhere" | "other";

/** One address of a namespace. */
interface Address {
  /** Index of its link. */
  readonly index: number;
  /** "10.0.0.1/24" */
  readonly address: string;
  readonly family: 4 | 6;
  /** IFA_PROTO: who made it; 0 when nobody said. */
  readonly proto: number;
  readonly scope: Scope;
  /** IFA_F_* in lower case: "permanent", "tentative", "dadfailed"… */
  readonly flags: readonly string[];
  /** Seconds left; null is for ever. */
  readonly validLifetime: number | null;
  readonly preferredLifetime?: number | null;
}

/** One route of a namespace, of any table. A multipath route has `hops` instead of `index` and `via`. */
export interface Route {
  readonly family: 4 | 6;
  /** "default" or a network. */
  readonly to: string;
  readonly via: string | null;
  readonly index: number | null;
  /** 254 is main, 255 local. */
  readonly table: number;
  /** rtm_protocol: who made it; 2 is the kernel. */
  readonly protocol: number;
  readonly metric: number | null;
  readonly scope: Scope;
  readonly type: string;
  /** Preferred source address. */
  readonly source: string | null;
  readonly mtu?: number | null;
  readonly advmss?: number | null;
  readonly onlink?: boolean;
  /** The ways of a multipath route; empty otherwise. */
  readonly hops?: readonly {
    readonly index: number;
    readonly via: string | null;
    readonly weight: number;
  }[];
}

/** One policy rule of a namespace; what it does not have is left out. */
export interface Rule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** Networks; left out is all. */
  readonly from?: string;
  readonly to?: string;
  readonly iif?: string;
  readonly oif?: string;
  readonly fwmark?: { readonly value: number; readonly mask: number };
  readonly table?: number;
  /** `other` for what has no name here (goto, nop). */
  readonly action: RuleAction | "other";
  readonly suppressPrefixLength?: number;
  /** FRA_PROTOCOL: who made it; 2 is the kernel. */
  readonly protocol: number;
  /** True when it has conditions beside those above, so that it is none of ours. */
  readonly other: boolean;
}

/** One neighbour of a namespace, proxy entries among them. */
export interface Neighbor {
  readonly index: number;
  readonly to: string;
  readonly mac: string | null;
  readonly proxy: boolean;
  /** NUD_* in lower case: "permanent", "reachable", "stale", "failed"…; "none" for a proxy entry. */
  readonly state: string;
  /** NDA_PROTOCOL: who made it; 0 when nobody said. */
  readonly protocol: number;
}

/** One static forwarding entry, of a vxlan (`remote`) or of a bridge for a port. What was learned, or is the kernel's own, is not dumped. */
export interface Fdb {
  /** The port, or the vxlan. */
  readonly index: number;
  readonly mac: string;
  readonly remote: string | null;
  readonly vni: number | null;
  readonly port: number | null;
  readonly vlan: number | null;
}

/** One VLAN of a bridge port, or of the bridge itself. */
export interface Vlan {
  readonly index: number;
  readonly id: number;
  readonly pvid: boolean;
  readonly untagged: boolean;
}

/** The tables that a dump can hold. */
export interface Tables {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbors: readonly Neighbor[];
  readonly fdb: readonly Fdb[];
  readonly vlans: readonly Vlan[];
  /** What the parameters `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding` say, as far as the kernel has the family. */
  readonly forwarding: readonly { readonly family: 4 | 6; readonly value: number }[];
  readonly nft: NftRuleset;
}

/** Why a request was refused. */
export interface Refusal {
  /** Errno name: "EEXIST". */
  readonly code: string;
  readonly errno: number;
  /** The kernel's extended acknowledgement when it gave one, else the errno's text. */
  readonly message: string;
  readonly op: string;
  readonly target: string;
}

/** What became of a request, and how many microseconds it took. `failures` lists every name when a `link.del` failed for several. */
export type Outcome =
  | { readonly ok: true; readonly us: number }
  | ({ readonly ok: false; readonly us: number; readonly failures?: readonly Refusal[] } & Refusal);

/** A WireGuard device. Private keys are never read. */
export interface WireguardDevice {
  readonly name: string;
  /** Null until a private key is set. */
  readonly publicKey: string | null;
  readonly hasPrivateKey: boolean;
  readonly listenPort: number;
  /** 0 is none. */
  readonly fwmark: number;
  readonly peers: readonly WireguardPeer[];
}

interface WireguardPeer {
  readonly publicKey: string;
  /** "1.2.3.4:51820" or "[fd00::1]:51820": given, or learned by roaming. */
  readonly endpoint: string | null;
  readonly allowedIps: readonly string[];
  /** Seconds; 0 is off. */
  readonly persistentKeepalive: number;
  /** Unix seconds with a fraction; 0 is never. */
  readonly lastHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly hasPresharedKey: boolean;
}

/** A change of a WireGuard device; what it does not mention stays. Peers are never replaced as a whole. */
export interface WireguardConfig {
  /** Base64. */
  readonly privateKey?: string;
  readonly listenPort?: number;
  readonly fwmark?: number;
  /** Applied in order. */
  readonly peers?: readonly WireguardPeerChange[];
}

export interface WireguardPeerChange {
  readonly publicKey: string;
  readonly remove?: boolean;
  /** Do nothing when there is no such peer. */
  readonly updateOnly?: boolean;
  readonly endpoint?: string;
  /** Replaces those of this peer. */
  readonly allowedIps?: readonly string[];
  readonly persistentKeepalive?: number;
  readonly presharedKey?: string;
}

/** nftables of a namespace from afar. */
export interface NftRuleset {
  /** Counts every committed transaction of the namespace. */
  readonly generation: number;
  readonly tables: readonly {
    readonly family: "inet" | "ip" | "ip6" | "arp" | "bridge" | "netdev" | "other";
    readonly name: string;
    readonly handle: number;
    readonly comment: string | null;
  }[];
}

/** An nftables table to load whole. */
export interface NftTable {
  readonly family: string;
  readonly table: string;
  readonly comment: string;
  /** Objects of libnftables-json(5) that make up the table, without the table itself. */
  readonly objects: readonly unknown[];
}

/** What an nftables table held at a generation. */
export interface NftContent {
  readonly generation: number;
  /** A word for all of it but what packets count: another word means another content. Null when it could not be looked at in time, or is gone. */
  readonly content: string | null;
}

/** A name in /run/netns. */
export interface NetnsEntry {
  readonly name: string;
  /** Link group of its `lo`, the owner's mark; null when it cannot be read or is not a namespace. */
  readonly group: number | null;
  /** Of the namespace: a name may come to stand for another one. 0 when it is none. */
  readonly inode: number;
}

/** Something changed. `overrun`: events were lost, everything may have changed. */
export interface KernelEvent {
  readonly type: "link" | "address" | "route" | "rule" | "neighbour" | "nsid" | "nft" | "overrun";
  /** `new` covers changes too. */
  readonly action: "new" | "del";
  /** Namespace id where it happened; null is the monitor's own. */
  readonly nsid: number | null;
  readonly index?: number;
  readonly name?: string;
}

/** The process at the other end of a unix socket, as it was when it connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}
