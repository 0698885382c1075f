import type { BondOptions } from "../model/link-options.ts";

type Mode = BondOptions["mode"];

/** Milliseconds between looks at the carrier of ports, where nothing is said. Left to itself the kernel does not look, and sends into a pulled cable. */
export const BOND_MIIMON = 100;

/** The modes in the order of their numbers (bonding.rst of the kernel). */
export const BOND_MODES: readonly Mode[] = [
  "balance-rr",
  "active-backup",
  "balance-xor",
  "broadcast",
  "802.3ad",
  "balance-tlb",
  "balance-alb",
];

type Key = Exclude<keyof BondOptions, "mode">;

/** What a value of an option may be. Words may be given by their number as well. */
type Values =
  | { readonly words: readonly string[] }
  | { readonly from: number; readonly to: number }
  | { readonly text: "addresses 4" | "addresses 6" | "mac" | "port" };

/** An option of a bond: its name on the command line (modinfo bonding) and in the vocabulary, values, and modes that have it. */
export interface BondOption {
  readonly name: string;
  readonly key: Key;
  /** Number of the netlink attribute (IFLA_BOND_* of linux/if_link.h). */
  readonly attribute: number;
  readonly values: Values;
  /** Left out: every mode. */
  readonly modes?: readonly Mode[];
}

const SWITCH: Values = { words: ["off", "on"] };
const MILLISECONDS: Values = { from: 0, to: 2_147_483_647 };
const LACP: readonly Mode[] = ["802.3ad"];
/** Modes that can watch their ports by ARP. */
const ARP: readonly Mode[] = ["balance-rr", "active-backup", "balance-xor", "broadcast"];
/** Modes with a port that is preferred. */
const ONE_ACTIVE: readonly Mode[] = ["active-backup", "balance-tlb", "balance-alb"];

/** All options of a bond that hold as long as it exists, refused for a mode where the kernel refuses them (drivers/net/bonding/bond_options.c). */
export const BOND_OPTIONS: readonly BondOption[] = [
  { name: "miimon", key: "miimon", attribute: 3, values: MILLISECONDS },
  { name: "updelay", key: "updelay", attribute: 4, values: MILLISECONDS },
  { name: "downdelay", key: "downdelay", attribute: 5, values: MILLISECONDS },
  { name: "use_carrier", key: "useCarrier", attribute: 6, values: SWITCH },
  { name: "arp_interval", key: "arpInterval", attribute: 7, values: MILLISECONDS, modes: ARP },
  { name: "arp_ip_target", key: "arpIpTarget", attribute: 8, values: { text: "addresses 4" } },
  {
    name: "arp_validate",
    key: "arpValidate",
    attribute: 9,
    values: { words: ["none", "active", "backup", "all", "filter", "filter_active", "filter_backup"] },
    modes: ARP,
  },
  { name: "arp_all_targets", key: "arpAllTargets", attribute: 10, values: { words: ["any", "all"] } },
  { name: "primary", key: "primary", attribute: 11, values: { text: "port" }, modes: ONE_ACTIVE },
  {
    name: "primary_reselect",
    key: "primaryReselect",
    attribute: 12,
    values: { words: ["always", "better", "failure"] },
  },
  {
    name: "fail_over_mac",
    key: "failOverMac",
    attribute: 13,
    values: { words: ["none", "active", "follow"] },
  },
  {
    name: "xmit_hash_policy",
    key: "xmitHashPolicy",
    attribute: 14,
    values: { words: ["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"] },
  },
  { name: "resend_igmp", key: "resendIgmp", attribute: 15, values: { from: 0, to: 255 } },
  { name: "num_grat_arp", key: "numPeerNotif", attribute: 16, values: { from: 0, to: 255 } },
  { name: "num_unsol_na", key: "numPeerNotif", attribute: 16, values: { from: 0, to: 255 } },
  { name: "all_slaves_active", key: "allSlavesActive", attribute: 17, values: SWITCH },
  { name: "min_links", key: "minLinks", attribute: 18, values: { from: 0, to: 2_147_483_647 } },
  { name: "lp_interval", key: "lpInterval", attribute: 19, values: { from: 1, to: 2_147_483_647 } },
  {
    name: "packets_per_slave",
    key: "packetsPerSlave",
    attribute: 20,
    values: { from: 0, to: 65_535 },
    modes: ["balance-rr"],
  },
  { name: "lacp_rate", key: "lacpRate", attribute: 21, values: { words: ["slow", "fast"] }, modes: LACP },
  { name: "ad_select", key: "adSelect", attribute: 22, values: { words: ["stable", "bandwidth", "count"] } },
  { name: "ad_actor_sys_prio", key: "adActorSysPrio", attribute: 24, values: { from: 1, to: 65_535 }, modes: LACP },
  { name: "ad_user_port_key", key: "adUserPortKey", attribute: 25, values: { from: 0, to: 1023 }, modes: LACP },
  { name: "ad_actor_system", key: "adActorSystem", attribute: 26, values: { text: "mac" }, modes: LACP },
  {
    name: "tlb_dynamic_lb",
    key: "tlbDynamicLb",
    attribute: 27,
    values: SWITCH,
    modes: ["balance-tlb", "balance-alb"],
  },
  { name: "peer_notif_delay", key: "peerNotifDelay", attribute: 28, values: { from: 0, to: 300_000 } },
  { name: "lacp_active", key: "lacpActive", attribute: 29, values: SWITCH, modes: LACP },
  { name: "missed_max", key: "missedMax", attribute: 30, values: { from: 1, to: 255 }, modes: ARP },
  { name: "ns_ip6_target", key: "nsIp6Target", attribute: 31, values: { text: "addresses 6" } },
  { name: "coupled_control", key: "coupledControl", attribute: 32, values: SWITCH, modes: LACP },
];

/** Options as the command line has them, each accepted before, in the words of the vocabulary. */
export function bondOptions(mode: string, options: Readonly<Record<string, string>>): BondOptions {
  const known = BOND_OPTIONS.filter(({ name }) => options[name] !== undefined);
  const set = known.map(({ name, key, values }) => [key, valueOf(values, options[name] ?? "")]);
  return { mode: BOND_MODES.find((one) => one === mode) ?? "balance-rr", ...Object.fromEntries(set) };
}

function valueOf(values: Values, text: string): string | number | boolean {
  if ("from" in values) return Number(text);
  if ("text" in values) return text;
  const word = values.words[Number(text)] ?? text;
  return values === SWITCH ? word === "on" : word;
}
