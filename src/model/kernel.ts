import type { Secret } from "../lib/secret.ts";
import type { LinkOptionsByType, PortSpec, PortVlan } from "./link-options.ts";
import type { OvsSpec } from "./ovs.ts";

/**
 * The vocabulary that every feature compiles to. A namespace is named by its name under /run/netns,
 * the node's own by `HOST`.
 */
export const HOST = "";

/** Marks of what is ours, set in the request that creates the object (FINDINGS.md 3.3). */
export const OWNER = {
  /** IFLA_GROUP of links. */
  linkGroup: 0x4e4c,
  /** Upper half of the groups into which links are gathered to be deleted at once (native/net/src/link_change.rs). */
  doomed: 0xde1e,
  /** rtm_protocol of routes and IFA_PROTO of addresses; unused in /etc/iproute2/rt_protos. */
  protocol: 78,
  /** nft tables are named `netloom` or `netloom-…`. */
  nftTable: "netloom",
  /** Key in `external_ids` of bridges and ports of Open vSwitch; the value says which daemon. */
  ovsKey: "netloom",
} as const;

interface Located {
  readonly netns: string;
}

export interface NetnsSpec {
  readonly kind: "netns";
  readonly name: string;
}

/** The far end of a veth pair, born in its own namespace in the same request. */
export interface VethPeer {
  readonly netns: string;
  readonly name: string;
  readonly mac: string;
  /** As its own specification says. */
  readonly mtu?: number;
}

/** A link by its place. */
export interface LinkId {
  readonly netns: string;
  readonly name: string;
}

interface LinkBase extends Located {
  readonly kind: "link";
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** Name of the bridge or bond that the link is a port of. */
  readonly master?: string;
  /** As a port of a bridge. */
  readonly port?: PortSpec;
  /** VLANs of the port, or of the bridge itself; exactly these. Left out: the bridge's default where it filters. */
  readonly vlans?: readonly PortVlan[];
  /** On the end of a veth pair that is created: its other end. */
  readonly peer?: VethPeer;
  /** On the other end: where its pair is created. */
  readonly bornWith?: LinkId;
  /** The link that it sits on and goes with; vxlan may do without. */
  readonly lower?: LinkId;
  /** On a NIC: the name that it has now, and is to lose. Nothing else is done to it before. */
  readonly formerName?: string;
}

/** `physical` is adopted: set up and enslaved, never made or removed. */
interface PlainLink {
  readonly type: "physical" | "veth" | "dummy" | "ifb";
  readonly options?: never;
}

interface WireguardLink {
  readonly type: "wireguard";
  readonly options?: never;
  /**
   * The namespace that its UDP socket is in, where what it encrypted comes and goes; the node's own when left out. The kernel sets
   * it at creation only (`creating_net` of drivers/net/wireguard/device.c).
   */
  readonly bornIn?: string;
}

interface BridgeLink {
  readonly type: "bridge";
  readonly options?: LinkOptionsByType["bridge"];
}

type OptionedLink = {
  readonly [T in "vxlan" | "tun" | "bond"]: { readonly type: T; readonly options: LinkOptionsByType[T] };
}["vxlan" | "tun" | "bond"];

type UpperLink = {
  readonly [T in "vlan" | "macvlan" | "macvtap"]: {
    readonly type: T;
    readonly options: LinkOptionsByType[T];
    readonly lower: LinkId;
  };
}["vlan" | "macvlan" | "macvtap"];

/** A network interface, by its kind (IFLA_INFO_KIND). */
export type LinkSpec = LinkBase & (PlainLink | WireguardLink | BridgeLink | OptionedLink | UpperLink);

export interface AddressSpec extends Located {
  readonly kind: "address";
  readonly dev: string;
  /** "10.1.3.1/24" */
  readonly address: string;
  /** Seconds since the kernel started; left out is for ever. Equal within `LIFETIME_SLACK`. */
  readonly validUntil?: number;
  /** No new connection is made from it afterwards (`DEPRECATED` once that is so); left out is `validUntil`. */
  readonly preferredUntil?: number;
}

/** When an address stopped to be preferred (RFC 4862, 5.5.4), for those where that is over: the kernel does not tell since when. */
export const DEPRECATED = 0;

/** Seconds by which lifetimes may differ: they are told in whole seconds that pass while we look. */
export const LIFETIME_SLACK = 5;

/** The main table of rt_tables(5). */
export const TABLE_MAIN = 254;

/** One way of a route with several. */
export interface RouteHop {
  readonly dev: string;
  readonly via?: string;
  /** 1 when left out. */
  readonly weight?: number;
}

export type RouteType = "unicast" | "blackhole" | "unreachable" | "prohibit";

/** A route. One of type `unicast` has `dev` or `hops`, the others have neither. */
export interface RouteSpec extends Located {
  readonly kind: "route";
  /** A network; the default route is "0.0.0.0/0" or "::/0". */
  readonly to: string;
  readonly dev?: string;
  readonly via?: string;
  readonly metric?: number;
  readonly type?: RouteType;
  /** `TABLE_MAIN` when left out. */
  readonly table?: number;
  /** Preferred source address. */
  readonly source?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  /** The router counts as reachable although no address of the link says so. */
  readonly onlink?: true;
  readonly hops?: readonly RouteHop[];
}

export type RuleAction = "lookup" | "blackhole" | "unreachable" | "prohibit";

/** A policy rule. It is what all its members say: one that differs is another rule. */
export interface RuleSpec extends Located {
  readonly kind: "rule";
  readonly family: 4 | 6;
  readonly priority: number;
  /** Networks. */
  readonly from?: string;
  readonly to?: string;
  readonly iif?: string;
  readonly oif?: string;
  readonly fwmark?: { readonly value: number; readonly mask: number };
  /** With `lookup`; `TABLE_MAIN` when left out. */
  readonly table?: number;
  /** `lookup` when left out. */
  readonly action?: RuleAction;
  /** Routes with a prefix of this length or less do not count. */
  readonly suppressPrefixLength?: number;
}

/** A neighbour that is not asked for (permanent), or an address that we answer for (`proxy`). */
export interface NeighborSpec extends Located {
  readonly kind: "neighbor";
  readonly dev: string;
  readonly to: string;
  readonly mac?: string;
  readonly proxy?: true;
}

/**
 * A static forwarding entry: with `remote` in a vxlan's own table, else in the bridge's table for this port.
 * The MAC 00:00:00:00:00:00 stands for all receivers that are not known, and may have several remotes.
 */
export interface FdbSpec extends Located {
  readonly kind: "fdb";
  readonly dev: string;
  readonly mac: string;
  readonly remote?: string;
  /** Only where it differs from the link's own: the kernel does not tell them apart. */
  readonly vni?: number;
  readonly port?: number;
  readonly vlan?: number;
}

export interface WireguardPeerSpec {
  readonly publicKey: string;
  /** Given to the kernel when the peer is made or the wish changed; else what the kernel learned stays (FINDINGS.md 3.1). */
  readonly endpoint?: string;
  readonly allowedIps: readonly string[];
  readonly keepalive: number;
  /** 32 bytes as base64, mixed into the handshake; the peer has the same one. */
  readonly presharedKey?: Secret;
}

export interface WireguardSpec extends Located {
  readonly kind: "wireguard";
  readonly dev: string;
  readonly privateKey: Secret;
  readonly publicKey: string;
  readonly listenPort: number;
  /** Mark of the encrypted packets that it sends, for policy rules; none when left out. */
  readonly fwmark?: number;
  readonly peers: readonly WireguardPeerSpec[];
}

/** One table of ours, given whole: one transaction replaces it. */
export interface NftSpec extends Located {
  readonly kind: "nft";
  readonly family: "inet";
  readonly table: string;
  /** Objects of libnftables-json(5) that make up the table, without the table itself. */
  readonly objects: readonly unknown[];
}

export interface SysctlSpec extends Located {
  readonly kind: "sysctl";
  /** "net.ipv4.ip_forward"; a dot inside an interface name is written "/" (sysctl(8)). */
  readonly key: string;
  readonly value: string;
  /** A limit: raised when it is lower, left alone when it is higher, or when it cannot be set here. */
  readonly atLeast?: true;
  /** The link that the parameter belongs to, if it belongs to one. */
  readonly dev?: string;
}

/** A file that a process reads; written before it starts. */
export interface ProcessFile {
  readonly path: string;
  readonly content: string;
  /** Mode 0755 instead of 0644. */
  readonly executable?: true;
}

/** A permanent process, kept alive by the supervisor. */
export interface ProcessSpec extends Located {
  readonly kind: "process";
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly ProcessFile[];
  /** Files that the process writes itself; they go when it is removed for good. */
  readonly writes: readonly string[];
  /** What has to hold before it is started: that the node is online. It is not stopped when that ends. */
  readonly needs?: readonly "online"[];
  /** What a server lent to it. */
  readonly lease?: ProcessLease;
}

/** The lease of a DHCP client, which the client writes down. */
export interface ProcessLease {
  readonly file: string;
  /**
   * The signal upon which the process gives the lease back. It gets it when it is removed for good and no other one that is wanted
   * goes on with the file, and at no other end of it; then the file is called `releasing(file)`, until the process has removed it.
   */
  readonly release?: "SIGUSR2" | "SIGALRM";
}

/** What a lease's file is called while the lease is given back: nobody may offer it as a valid one any more. */
export function releasing(file: string): string {
  return `${file}.release`;
}

/**
 * A file that programs expect at a place of their own, as resolv.conf(5). Its first line is our mark, so it has to be one in which
 * `#` begins a comment. Files of a process go with the process instead.
 */
export interface FileSpec {
  readonly kind: "file";
  /** One of the places where ours are looked for (`host/files.ts`). */
  readonly path: string;
  /** Without the mark; ends with a line break. */
  readonly content: string;
  /** 0644 when left out. */
  readonly mode?: number;
  /** It is ours whoever wrote it: the machine is. Else somebody's file is left alone. */
  readonly adopt?: true;
}

/** Every kind of object by its `kind`. A kind without a differ does not compile. */
export interface KernelObjects {
  readonly netns: NetnsSpec;
  readonly link: LinkSpec;
  readonly ovs: OvsSpec;
  readonly sysctl: SysctlSpec;
  readonly address: AddressSpec;
  readonly neighbor: NeighborSpec;
  readonly fdb: FdbSpec;
  readonly route: RouteSpec;
  readonly rule: RuleSpec;
  readonly nft: NftSpec;
  readonly wireguard: WireguardSpec;
  readonly file: FileSpec;
  readonly process: ProcessSpec;
}

export type ObjectKind = keyof KernelObjects;
export type KernelObject = KernelObjects[ObjectKind];

/** What the kernel has to look like. */
export type Target = readonly KernelObject[];
