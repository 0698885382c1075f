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
  /** IFF_UP: switched on. */
  readonly up: boolean;
  /** Somebody is there at the other end. */
  readonly carrier: boolean;
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
}

/** One route of a namespace, of any table. A multipath route has neither `index` nor `via`. */
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
}

/** The tables that a dump can hold. */
export interface Tables {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
}

interface LinkAddBase {
  readonly op: "link.add";
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly up?: boolean;
  /** Bridge of the socket's namespace; not together with `netnsPath`. */
  readonly master?: string;
  /** Owner's mark, set by the request that makes the link. */
  readonly group: number;
  /** Text for people. Set after creation: when that fails, the link exists and the refusal's op is "link.set". */
  readonly alias?: string;
  /** The link is born there. A WireGuard device keeps its UDP socket in the socket's namespace. */
  readonly netnsPath?: string;
}

interface BridgeAdd extends LinkAddBase {
  readonly type: "bridge";
  /** `forwardDelay` in seconds. What is left out is the kernel's default. */
  readonly bridge?: { readonly stp?: boolean; readonly forwardDelay?: number; readonly mcastSnooping?: boolean };
}

interface VethAdd extends LinkAddBase {
  readonly type: "veth";
  /** The other end, born in its own namespace. It is switched on after creation, since the kernel cannot do so before. */
  readonly peer: {
    readonly name: string;
    readonly mac?: string;
    readonly mtu?: number;
    readonly up?: boolean;
    readonly group: number;
    readonly netnsPath?: string;
  };
}

interface WireguardAdd extends LinkAddBase {
  readonly type: "wireguard";
}

/** Sets what is given. `master: null` releases. */
interface LinkSet {
  readonly op: "link.set";
  readonly name: string;
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  readonly master?: string | null;
  readonly group?: number;
  readonly alias?: string;
}

/** Several names are deleted by one message. */
interface LinkDel {
  readonly op: "link.del";
  readonly names: readonly string[];
}

/** Adds the address, or changes mark and lifetimes of the same one. */
interface AddressAdd {
  readonly op: "address.add";
  readonly dev: string;
  readonly address: string;
  /** Owner's mark (IFA_PROTO). */
  readonly proto: number;
  /** Usable at once, without duplicate address detection (IPv6). */
  readonly noDad?: boolean;
  /** Seconds; left out is for ever. */
  readonly validLifetime?: number;
  readonly preferredLifetime?: number;
}

interface AddressDel {
  readonly op: "address.del";
  readonly dev: string;
  readonly address: string;
}

interface RouteKeys {
  /** "default" or a network; "0.0.0.0/0" and "::/0" say the family too. */
  readonly to: string;
  readonly via?: string;
  readonly dev: string;
  readonly metric?: number;
  /** Main when left out. */
  readonly table?: number;
  /** Owner's mark (rtm_protocol). */
  readonly protocol: number;
  readonly source?: string;
  readonly scope?: "global" | "link" | "host";
  /** Only needed for "default" without `via` and `source`; 4 is assumed there. */
  readonly family?: 4 | 6;
}

/** Adds the route, or replaces the one with the same destination, table and metric. */
interface RouteAdd extends RouteKeys {
  readonly op: "route.add";
}

/** Removes the route that has all of these keys. */
interface RouteDel extends RouteKeys {
  readonly op: "route.del";
}

/** One request of a batch. */
export type Request =
  | BridgeAdd
  | VethAdd
  | WireguardAdd
  | LinkSet
  | LinkDel
  | AddressAdd
  | AddressDel
  | RouteAdd
  | RouteDel;

/** Why a request was refused. */
interface Refusal {
  /** Errno name: "EEXIST". */
  readonly code: string;
  readonly errno: number;
  /** The kernel's extended acknowledgement when it gave one, else the errno's text. */
  readonly message: string;
  readonly op: string;
  readonly target: string;
}

/** What became of a request. `failures` lists every name when a `link.del` failed for several. */
export type Outcome =
  | { readonly ok: true }
  | ({ readonly ok: false; readonly failures?: readonly Refusal[] } & Refusal);

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

/** A name in /run/netns. */
export interface NetnsEntry {
  readonly name: string;
  /** Link group of its `lo`, the owner's mark; null when it cannot be read or is not a namespace. */
  readonly group: number | null;
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
