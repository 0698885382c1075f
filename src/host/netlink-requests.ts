import type { RouteHop, RouteType, RuleAction } from "../model/kernel.ts";
import type {
  BondOptions,
  BridgeOptions,
  MacvlanOptions,
  PortSpec,
  TunOptions,
  VlanOptions,
  VxlanOptions,
} from "../model/link-options.ts";
import type { OptionChange } from "../model/step.ts";

/** The requests of a batch as they cross the boundary to the addon: JSON in the shapes of native/net/src/request.rs, which refuses unknown keys. */
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
  readonly options?: { readonly stp?: boolean; readonly forwardDelay?: number } & BridgeOptions;
}

/** `lower` is a link of the socket's namespace, wherever the new one is born. */
interface VlanAdd extends LinkAddBase {
  readonly type: "vlan";
  readonly lower: string;
  readonly options: VlanOptions;
}

interface VxlanAdd extends LinkAddBase {
  readonly type: "vxlan";
  readonly lower?: string;
  readonly options: VxlanOptions;
}

interface MacvlanAdd extends LinkAddBase {
  readonly type: "macvlan" | "macvtap";
  readonly lower: string;
  readonly options: MacvlanOptions;
}

/** `primary` is the name of a port and only to be set. */
interface BondAdd extends LinkAddBase {
  readonly type: "bond";
  readonly options: BondOptions;
}

/** A tap or tun that stays without a program; its mark is set before it is made to stay. */
interface TunAdd extends LinkAddBase {
  readonly type: "tun";
  readonly options: TunOptions;
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

interface PlainAdd extends LinkAddBase {
  readonly type: "wireguard" | "dummy" | "ifb";
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
  /** Options of its kind, those that change. The kernel wants to be told the kind. */
  readonly options?: OptionChange;
}

/** Gives a link another name. */
interface LinkRename {
  readonly op: "link.rename";
  readonly name: string;
  readonly to: string;
}

/** Sets flags of a bridge port; what is left out stays. */
interface LinkPort {
  readonly op: "link.port";
  readonly name: string;
  readonly port: PortSpec;
}

/** Adds a VLAN to a port, or changes its flags; `self` for the bridge itself. */
interface VlanMemberAdd {
  readonly op: "vlan.add";
  readonly name: string;
  readonly id: number;
  readonly pvid?: true;
  readonly untagged?: true;
  readonly self?: true;
}

interface VlanMemberDel {
  readonly op: "vlan.del";
  readonly name: string;
  readonly id: number;
  readonly self?: true;
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
  /** No route to its network comes with it. */
  readonly noPrefixRoute?: boolean;
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
  /** Unicast when left out. */
  readonly type?: RouteType;
  readonly via?: string;
  /** Where a unicast route without `hops` leads; the others have none. */
  readonly dev?: string;
  readonly hops?: readonly RouteHop[];
  readonly metric?: number;
  /** Main when left out. */
  readonly table?: number;
  /** Owner's mark (rtm_protocol). */
  readonly protocol: number;
  readonly source?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly onlink?: boolean;
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

/** `rule.del` removes the rule that has all of these members. */
interface RuleRequest {
  readonly op: "rule.add" | "rule.del";
  readonly family: 4 | 6;
  readonly priority: number;
  readonly from?: string;
  readonly to?: string;
  readonly iif?: string;
  readonly oif?: string;
  readonly fwmark?: { readonly value: number; readonly mask: number };
  /** Main when left out; only with `lookup`. */
  readonly table?: number;
  /** `lookup` when left out. */
  readonly action?: RuleAction;
  readonly suppressPrefixLength?: number;
  /** Owner's mark (FRA_PROTOCOL). */
  readonly protocol: number;
}

/** Adds or replaces a permanent neighbour, or a proxy entry. */
interface NeighborAdd {
  readonly op: "neighbor.add";
  readonly dev: string;
  readonly to: string;
  readonly mac?: string;
  readonly proxy?: true;
  /** Owner's mark (NDA_PROTOCOL). */
  readonly protocol: number;
}

interface NeighborDel {
  readonly op: "neighbor.del";
  readonly dev: string;
  readonly to: string;
  readonly proxy?: true;
}

/**
 * Lets the kernel ask for a neighbour now, as if there were a packet for it (NTF_USE), or at the MAC that it is known by, where
 * packets go meanwhile (NUD_PROBE); its state tells what came of it.
 */
interface NeighborResolve {
  readonly op: "neighbor.resolve";
  readonly dev: string;
  readonly to: string;
  readonly mac?: string;
}

/** Adds a static forwarding entry beside those that are there (NLM_F_APPEND), or removes it. */
interface FdbRequest {
  readonly op: "fdb.add" | "fdb.del";
  readonly dev: string;
  readonly mac: string;
  /** With it the entry is in the vxlan's own table, else in the bridge's. */
  readonly remote?: string;
  readonly vni?: number;
  readonly port?: number;
  readonly vlan?: number;
}

/** One request of a batch. */
export type Request =
  | BridgeAdd
  | VethAdd
  | PlainAdd
  | VlanAdd
  | VxlanAdd
  | MacvlanAdd
  | BondAdd
  | TunAdd
  | LinkSet
  | LinkRename
  | LinkPort
  | VlanMemberAdd
  | VlanMemberDel
  | LinkDel
  | RuleRequest
  | NeighborAdd
  | NeighborDel
  | NeighborResolve
  | FdbRequest
  | AddressAdd
  | AddressDel
  | RouteAdd
  | RouteDel;
