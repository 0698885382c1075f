/** The document version that this program reads and writes. */
export const API_VERSION = "netloom/v1";

/**
 * The node itself: its uplink, name, clock, firewall and public side. There is one per daemon. What it leaves out is decided by the
 * kernel command line, and else by default (`plan/settings.ts`).
 */
export interface NodeDocument {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Node";
  readonly name: string;
  readonly hostname?: string;
  readonly uplink?: UplinkPolicy;
  /** Name servers before those of the lease. */
  readonly dns?: readonly string[];
  /** Time servers beside those of the lease. */
  readonly ntp?: readonly string[];
  /** Networks that may ask this node for the time. */
  readonly ntpServe?: readonly string[];
  readonly firewall?: NodeFirewall;
  readonly public?: PublicSide;
}

export interface UplinkPolicy {
  /**
   * How it gets its addresses: `auto` (the default) by DHCPv4, router advertisements, and DHCPv6 when these say so; `dhcp4`, `dhcp6`
   * (with router advertisements) or `ra` by that alone; `static` by `addresses` alone. `none`: this node has no uplink.
   */
  readonly mode?: "auto" | "dhcp4" | "dhcp6" | "ra" | "static" | "none";
  /** Candidates by NIC pattern (`model/nic-pattern.ts`); by default every physical NIC that nobody else uses. */
  readonly nics?: readonly string[];
  /** Never a candidate, whatever `nics` says. */
  readonly ignore?: readonly string[];
  /** Addresses with prefix length, beside those of the mode. */
  readonly addresses?: readonly string[];
  /** Default routers, one of a family at most. */
  readonly gateways?: readonly string[];
  /** VLAN on the NIC; `none` is no tag, whatever the command line says. */
  readonly vlan?: number | "none";
  readonly mtu?: number;
  /** Ask for a prefix by DHCPv6 (RFC 8415, section 6.3); what nobody uses of it is unreachable here. */
  readonly prefix?: boolean;
  /** Name of the bridge above the NIC, `zos` by default. */
  readonly bridge?: string;
  /** Where the node has to come to count as online: "tcp://192.0.2.1:443", "icmp://192.0.2.1". */
  readonly checks?: readonly string[];
  /** Seconds until the choice is made with what there is. */
  readonly probeTimeout?: number;
}

/** The filter of what comes in by the uplink and by the public side. */
export interface NodeFirewall {
  /** `on` by default. `off`: everything comes in. */
  readonly mode?: "on" | "off";
  /** Ports that are open beside those that Netloom needs: "tcp/22", "udp/8000-8010". */
  readonly open?: readonly string[];
}

/** How a MAC is made. */
export type MacAddressing = "random" | "swap";

/** The node's own addresses on the Internet, in a namespace of their own. */
export interface PublicSide {
  /** NIC pattern of a second NIC for it; left out, it shares the NIC of the uplink. */
  readonly nic?: string;
  /** VLAN on that NIC; `none` is no tag. */
  readonly vlan?: number | "none";
  readonly addresses: readonly string[];
  /** Default routers, one of a family at most. */
  readonly gateways: readonly string[];
  /** Name servers of programs there; by default those that Zero-OS gives them: 8.8.8.8, 1.1.1.1, 2001:4860:4860::8888. */
  readonly dns?: readonly string[];
  readonly mac?: MacAddressing;
}

/** A virtual network for containers and VMs: a bridge with DHCP, router advertisements and DNS. */
export interface LanDocument {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Lan";
  readonly name: string;
  readonly type: "bridge";
  readonly backend: "linux";
  readonly cidr: string;
  /** The node's own address in the LAN; by default the first host address. */
  readonly gateway?: string;
  readonly ipv6?: {
    readonly cidr: string;
    /** Stateful DHCPv6 beside the router advertisements. */
    readonly dhcp: boolean;
  };
  /** DHCPv4 for members; with `ipv6`, router advertisements and DHCPv6 too. */
  readonly dhcp: boolean;
  /** Name servers that members learn; by default the gateway, which answers for the LAN's own members. */
  readonly dns?: readonly string[];
  /** Time servers that members learn (DHCP option 42). */
  readonly ntp: readonly string[];
  /** Physical NICs that become ports of the LAN. */
  readonly nics: readonly string[];
}

export interface WireguardPeerDocument {
  readonly publicKey: string;
  /** Where the peer listens; a peer without it has to call first. */
  readonly endpoint?: string;
  /** The peer's own networks; the kernel sends to the peer what lies in them, and accepts from it nothing else. */
  readonly allowedIps: readonly string[];
  /** Seconds between keepalives; 0 switches them off. */
  readonly keepalive: number;
}

/** The node-local part of a tenant's network (seeds 000 and 002). */
export interface NetworkResourceDocument {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "NetworkResource";
  readonly name: string;
  /** This node's /24 of the network. */
  readonly subnet: string;
  /** The whole network, a /16 in private address space (seed 003). */
  readonly range: string;
  readonly wireguard?: {
    /** Left out: the node makes a key of its own and keeps it (`netloom key NAME` prints the public half). */
    readonly privateKey?: string;
    readonly listenPort: number;
    readonly peers: readonly WireguardPeerDocument[];
  };
}

export type Document = NodeDocument | LanDocument | NetworkResourceDocument;
export type Kind = Document["kind"];

/** The kinds, in the order in which `show` prints them. */
export const KINDS: readonly Kind[] = ["Node", "Lan", "NetworkResource"];

/** What tells documents apart: two of one identity cannot hold together. There is one `Node` per daemon, whatever its name. */
export function documentIdentity(document: { readonly kind: Kind; readonly name: string }): string {
  return document.kind === "Node" ? "Node" : documentId(document);
}

/** "Lan lab": how messages and files name a document. */
export function documentId(document: { readonly kind: Kind; readonly name: string }): string {
  return `${document.kind} ${document.name}`;
}
