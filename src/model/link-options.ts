/** What a kind of link has beside name, MAC and MTU. Keys are those of requests and of observations; left out is the kernel's default. */
export interface BridgeOptions {
  readonly vlanFiltering?: boolean;
  readonly vlanProtocol?: VlanProtocol;
  /** The VLAN of frames without a tag on a port that names none; 0 switches it off. */
  readonly defaultPvid?: number;
  /** Seconds after which a learned address is forgotten. */
  readonly ageing?: number;
  readonly mcastSnooping?: boolean;
}

type VlanProtocol = "802.1Q" | "802.1ad";

export interface VlanOptions {
  /** 1 to 4094. */
  readonly id: number;
  readonly protocol?: VlanProtocol;
}

export interface VxlanOptions {
  /** 24 bits. */
  readonly vni: number;
  readonly local?: string;
  /** Where frames go whose receiver is not known: a multicast group, or one peer. */
  readonly group?: string;
  /** UDP port; the IANA one (4789) has to be named, since the kernel's own default is 8472. */
  readonly port?: number;
  readonly learning?: boolean;
  readonly ttl?: number;
}

export interface MacvlanOptions {
  readonly mode: "private" | "vepa" | "bridge" | "passthru";
}

export interface TunOptions {
  readonly mode: "tap" | "tun";
  /** Numbers of the user and group that may open it. */
  readonly owner?: number;
  readonly ownerGroup?: number;
}

export interface BondOptions {
  readonly mode:
    | "balance-rr"
    | "active-backup"
    | "balance-xor"
    | "broadcast"
    | "802.3ad"
    | "balance-tlb"
    | "balance-alb";
  /** Milliseconds between looks at the carrier of a port. */
  readonly miimon?: number;
  /** Milliseconds, multiples of `miimon`. */
  readonly updelay?: number;
  readonly downdelay?: number;
  /** The driver says whether a port has carrier, rather than its registers. */
  readonly useCarrier?: boolean;
  /** Milliseconds between questions to `arpIpTarget` and `nsIp6Target`; not together with `miimon`. */
  readonly arpInterval?: number;
  /** Addresses with commas between them, 16 at most. */
  readonly arpIpTarget?: string;
  readonly nsIp6Target?: string;
  readonly arpValidate?: "none" | "active" | "backup" | "all" | "filter" | "filter_active" | "filter_backup";
  readonly arpAllTargets?: "any" | "all";
  /** Questions without an answer after which a port is down. */
  readonly missedMax?: number;
  /** Name of the port that is used while it works. */
  readonly primary?: string;
  readonly primaryReselect?: "always" | "better" | "failure";
  readonly failOverMac?: "none" | "active" | "follow";
  readonly xmitHashPolicy?: "layer2" | "layer2+3" | "layer3+4" | "encap2+3" | "encap3+4" | "vlan+srcmac";
  readonly resendIgmp?: number;
  /** Gratuitous ARPs and unsolicited neighbour advertisements after a change of the port. */
  readonly numPeerNotif?: number;
  /** Milliseconds between them, a multiple of `miimon`. */
  readonly peerNotifDelay?: number;
  readonly allSlavesActive?: boolean;
  readonly minLinks?: number;
  /** Seconds. */
  readonly lpInterval?: number;
  readonly packetsPerSlave?: number;
  readonly lacpRate?: "slow" | "fast";
  readonly lacpActive?: boolean;
  readonly adSelect?: "stable" | "bandwidth" | "count";
  readonly adActorSysPrio?: number;
  readonly adUserPortKey?: number;
  readonly adActorSystem?: string;
  readonly tlbDynamicLb?: boolean;
  readonly coupledControl?: boolean;
}

/** Flags of a bridge port. What is left out has the kernel's default (`PORT_DEFAULTS`). */
export interface PortSpec {
  /** Hears only ports that are not isolated. */
  readonly isolated?: boolean;
  readonly hairpin?: boolean;
  readonly learning?: boolean;
  readonly flood?: boolean;
  readonly multicastFlood?: boolean;
  readonly broadcastFlood?: boolean;
  readonly neighSuppress?: boolean;
  /** Frames of the spanning tree protocol are dropped. */
  readonly guard?: boolean;
}

/** What the kernel gives a new port (net/bridge/br_if.c, new_nbp). */
export const PORT_DEFAULTS: Required<PortSpec> = {
  isolated: false,
  hairpin: false,
  learning: true,
  flood: true,
  multicastFlood: true,
  broadcastFlood: true,
  neighSuppress: false,
  guard: false,
};

/** A VLAN that a bridge port, or the bridge itself, is a member of. */
export interface PortVlan {
  readonly id: number;
  /** Frames without a tag belong to it. At most one of a port. */
  readonly pvid?: true;
  /** Frames leave without the tag. */
  readonly untagged?: true;
}

/** Options by the kind of link (IFLA_INFO_KIND). */
export interface LinkOptionsByType {
  readonly bridge: BridgeOptions;
  readonly vlan: VlanOptions;
  readonly vxlan: VxlanOptions;
  readonly macvlan: MacvlanOptions;
  readonly macvtap: MacvlanOptions;
  readonly tun: TunOptions;
  readonly bond: BondOptions;
}

export type OptionValue = string | number | boolean;

/** Options as the kernel reports them. */
export type ObservedOptions = Readonly<Record<string, OptionValue | null>>;

/** The VLAN of a bridge whose options name none (net/bridge/br_vlan.c, br_vlan_init). */
export const DEFAULT_PVID = 1;

/** What the kernel cannot change: a link that differs there is made anew. A bond's mode changes only without ports. */
export const FIXED_OPTIONS: Readonly<Record<keyof LinkOptionsByType, readonly string[]>> = {
  // Refused while the bridge filters.
  bridge: ["defaultPvid"],
  vlan: ["id", "protocol"],
  vxlan: ["vni", "port"],
  macvlan: ["mode"],
  macvtap: ["mode"],
  tun: ["mode", "owner", "ownerGroup"],
  bond: ["mode"],
};
