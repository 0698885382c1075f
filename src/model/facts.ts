import type { Secret } from "../lib/secret.ts";
import type { BootFlags } from "./boot-flags.ts";
import type { CheckResult } from "./guard.ts";

/** A network interface as `boot-plan --facts` and the uplink choice see it. */
export interface NicFact {
  readonly name: string;
  /** Its MAC now. */
  readonly mac: string;
  /** The MAC that the hardware has (IFLA_PERM_ADDRESS); `mac` when left out. */
  readonly permanentMac?: string;
  /** True for a NIC with a device behind it (PCI, virtio, USB). */
  readonly physical: boolean;
  readonly carrier: boolean;
  /** How often it got carrier (IFLA_CARRIER_UP_COUNT): another number is another cable, perhaps another network. */
  readonly carrierUps?: number;
  /** Bus and address of the device, e.g. "virtio0". */
  readonly device?: string;
  /** Kernel driver, "virtio_net". */
  readonly driver?: string;
  /** PCI address, "0000:00:03.0". */
  readonly pci?: string;
  /** Megabits per second; left out when the driver does not know. */
  readonly speed?: number;
  /** The largest MTU that its driver takes; left out when the driver does not say. */
  readonly maxMtu?: number;
  /** A link that the command line asks for (`bond=`, `vlan=`, `bridge=`): a candidate as a physical NIC is. */
  readonly made?: "bond" | "vlan" | "bridge";
  /** Who else uses it, "it has 10.0.0.5/24, which is not Netloom's": then it is a candidate only by name. */
  readonly foreign?: string;
  /** What was found on its network; left out before it is probed. */
  readonly probe?: ProbeFact;
}

/** What a probe, or the uplink itself, found on the network of a NIC. */
export interface ProbeFact {
  /** Seconds since the kernel started at which the NIC had carrier and was probed. */
  readonly since: number;
  readonly lease4?: LeaseFact;
  readonly lease6?: Lease6Fact;
  readonly ra?: RouterFact;
  readonly gateway4?: CheckResult;
  readonly gateway6?: CheckResult;
  /** The configured connectivity checks; each is named as its target. */
  readonly checks?: readonly CheckResult[];
  /** Since when the gateway and all checks answer, in seconds since the kernel started; left out while one does not. */
  readonly answeredAt?: number;
  /** When another NIC was chosen, in seconds since the kernel started: the probe is about to end, and its leases are given back then. */
  readonly overSince?: number;
  /** The address of the DHCPv4 lease that the pass before knew of: the probe has it, and a release can be sent from it. */
  readonly placed?: string;
}

/** A DHCPv4 lease as the client reported it; it configures nothing itself. */
export interface LeaseFact {
  readonly nic: string;
  /** "192.168.50.17/24" */
  readonly address: string;
  readonly router?: string;
  /** Classless static routes (RFC 3442); when there are some, `router` comes from them. */
  readonly routes?: readonly { readonly to: string; readonly via?: string }[];
  readonly server?: string;
  readonly dns: readonly string[];
  readonly ntp: readonly string[];
  /** Domains in which short names are looked up (RFC 3397). */
  readonly search?: readonly string[];
  readonly hostname?: string;
  readonly mtu?: number;
  /** The NIC's `carrierUps` when it was reported. */
  readonly carrierUps?: number;
  /** Seconds since the kernel started (/proc/uptime): a clock that is set later must not end the lease. */
  readonly obtainedAt: number;
  /** Seconds since the kernel started. */
  readonly expiresAt: number;
}

/** A DHCPv6 lease (RFC 8415). Times are seconds since the kernel started. */
export interface Lease6Fact {
  readonly nic: string;
  /** "2001:db8::17/128" */
  readonly addresses: readonly {
    readonly address: string;
    readonly preferredUntil: number;
    readonly validUntil: number;
  }[];
  /** Delegated prefixes, "2001:db8:100::/56". */
  readonly prefixes: readonly {
    readonly prefix: string;
    readonly preferredUntil: number;
    readonly validUntil: number;
  }[];
  readonly server?: string;
  readonly dns: readonly string[];
  readonly ntp: readonly string[];
  readonly search: readonly string[];
  /** The NIC's `carrierUps` when it was reported. */
  readonly carrierUps?: number;
  readonly obtainedAt: number;
  /** The NIC got carrier again since: when all of it ends, unless the server gives it once more. */
  readonly doubtedUntil?: number;
}

/** What the router advertisements on a link say (RFC 4861); addresses and routes of them are the kernel's affair. */
export interface RouterFact {
  /** Flag M: addresses by DHCPv6. */
  readonly managed: boolean;
  /** Flag O: other settings by DHCPv6. */
  readonly other: boolean;
  /** Link-local address of the default router that the kernel took. */
  readonly router?: string;
  /** Global addresses that the kernel made (SLAAC), "2001:db8::5054:ff:fe12:3456/64". */
  readonly addresses: readonly string[];
  /** RDNSS and DNSSL (RFC 8106) that are valid now. */
  readonly dns: readonly string[];
  readonly search: readonly string[];
  /** Seconds since the kernel started at which the first of `dns` and `search` ends. */
  readonly expiresAt?: number;
}

export interface WireguardKeyFact {
  readonly privateKey: Secret;
  readonly publicKey: string;
}

/** Whether the clock can be relied on. Times are seconds since the kernel started. */
export interface ClockFact {
  /** A time server was heard: the kernel no longer says STA_UNSYNC (adjtimex(2)), or our client has just set the clock. */
  readonly synchronised: boolean;
  /** When it was synchronised first, as far as this daemon knows. */
  readonly since?: number;
  /** When the first pass of this boot knew a time server to ask. */
  readonly askedAt?: number;
  /** What needs dates was let start in this boot: it is not stopped again. */
  readonly passed?: boolean;
}

/** Everything beside the documents that a compiler may know. */
export interface Facts {
  /** Seconds since the kernel started. Only what the node's own unit is made of may depend on it. */
  readonly now: number;
  readonly nics: readonly NicFact[];
  /** The kernel command line. */
  readonly flags: BootFlags;
  /** The NIC chosen before in this boot, kept while it works: the choice does not flap. */
  readonly uplink: string | null;
  /** When the uplink was found to lack something; left out while it lacks nothing. Seconds since the kernel started. */
  readonly uplinkLost?: number;
  /** The NIC that was the uplink before the last boot. */
  readonly lastUplink?: string;
  /** What tells this node from all others, for MACs that are made from it; left out until it is written down. */
  readonly nodeId?: string;
  /** Keys by the name of the NetworkResource. */
  readonly wireguardKeys: Readonly<Record<string, WireguardKeyFact>>;
  /** Where files go that a reboot may lose, e.g. "/run/netloom". */
  readonly runtimeDir: string;
  /** Where files go that a reboot should keep, e.g. "/var/cache/modules/network". */
  readonly stateDir: string;
  readonly clock: ClockFact;
  /**
   * True on a machine that is Netloom's own (the image): the daemon keeps its clock, host name and resolv.conf. One beside
   * other programs must not.
   */
  readonly appliance: boolean;
}

/** What a NIC had when the uplink was chosen, each in words; null is "nothing". */
export type Had = Readonly<Record<"carrier" | "lease4" | "ra" | "lease6" | "gateway" | "check", string | null>>;

/** Why a NIC became the uplink, or did not. */
export interface NicDecision {
  readonly nic: string;
  readonly mac: string;
  readonly chosen: boolean;
  readonly reasons: readonly string[];
  readonly had: Had;
}

/** The uplink: a NIC, and the bridge above it that has the addresses. */
export interface Uplink {
  readonly nic: NicFact;
  /** Name of the bridge. */
  readonly link: string;
  /** Nothing that was asked for is missing: address, gateway that answers, checks. */
  readonly complete: boolean;
  /** IPv4 first; those that the kernel made from router advertisements among them. */
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  /** Name servers, those of the settings first. */
  readonly dns: readonly string[];
  readonly search: readonly string[];
  readonly ntp: readonly string[];
}

/** The public side, as far as it is known by documents and facts. */
export interface PublicSideState {
  /** `single`: by the NIC of the uplink. `dual`: by a NIC of its own. */
  readonly mode: "single" | "dual";
  /** Null while there is none. */
  readonly nic: string | null;
  /** The port of its bridge that leads outside: the NIC, a VLAN on it, or the pair to the uplink's bridge. */
  readonly port: string | null;
  readonly vlan: number | null;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  /** What it cannot reach anybody without; null when nothing is missing. */
  readonly waiting: string | null;
  /** What was asked for and does not hold; null when all does. */
  readonly note: string | null;
}

/** What a LAN compiles from beside its document and the uplink's name servers. */
export type LanFacts = Pick<Facts, "nics" | "runtimeDir" | "stateDir">;
