import type { Secret } from "../lib/secret.ts";

/**
 * The vocabulary that every feature compiles to. A namespace is named by its name under /run/netns,
 * the node's own by `HOST`.
 */
export const HOST = "";

/** Marks of what is ours, set in the request that creates the object (FINDINGS.md 3.3). */
export const OWNER = {
  /** IFLA_GROUP of links. */
  linkGroup: 0x4e4c,
  /** rtm_protocol of routes and IFA_PROTO of addresses; unused in /etc/iproute2/rt_protos. */
  protocol: 78,
  /** nft tables are named `netloom` or `netloom-…`. */
  nftTable: "netloom",
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
}

export interface LinkSpec extends Located {
  readonly kind: "link";
  readonly name: string;
  /** `physical` is adopted: set up and enslaved, never made or removed. */
  readonly type: "physical" | "bridge" | "veth" | "wireguard";
  readonly mac?: string;
  readonly mtu?: number;
  /** Name of the bridge that the link is a port of. */
  readonly master?: string;
  /** On the end of a veth pair that is created: its other end. */
  readonly peer?: VethPeer;
  /** On the other end: where its pair is created. */
  readonly bornWith?: { readonly netns: string; readonly name: string };
}

export interface AddressSpec extends Located {
  readonly kind: "address";
  readonly dev: string;
  /** "10.1.3.1/24" */
  readonly address: string;
}

export interface RouteSpec extends Located {
  readonly kind: "route";
  /** A network; the default route is "0.0.0.0/0" or "::/0". */
  readonly to: string;
  readonly dev: string;
  readonly via?: string;
  readonly metric?: number;
}

export interface WireguardPeerSpec {
  readonly publicKey: string;
  /** Given to the kernel when the peer is made or the wish changed; else what the kernel learned stays (FINDINGS.md 3.1). */
  readonly endpoint?: string;
  readonly allowedIps: readonly string[];
  readonly keepalive: number;
}

export interface WireguardSpec extends Located {
  readonly kind: "wireguard";
  readonly dev: string;
  readonly privateKey: Secret;
  readonly publicKey: string;
  readonly listenPort: number;
  readonly peers: readonly WireguardPeerSpec[];
}

/** One table of ours, given whole: `nft -j` replaces it in one transaction. */
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
}

/** Every kind of object by its `kind`. A kind without a differ does not compile. */
export interface KernelObjects {
  readonly netns: NetnsSpec;
  readonly link: LinkSpec;
  readonly sysctl: SysctlSpec;
  readonly address: AddressSpec;
  readonly route: RouteSpec;
  readonly nft: NftSpec;
  readonly wireguard: WireguardSpec;
  readonly process: ProcessSpec;
}

export type ObjectKind = keyof KernelObjects;
export type KernelObject = KernelObjects[ObjectKind];

/** What the kernel has to look like. */
export type Target = readonly KernelObject[];
