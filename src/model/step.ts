import type { Secret } from "../lib/secret.ts";
import {
  HOST,
  type AddressSpec,
  type FdbSpec,
  type FileSpec,
  type LinkId,
  type LinkSpec,
  type NeighborSpec,
  type NftSpec,
  type ProcessSpec,
  type RouteSpec,
  type RuleSpec,
  type SysctlSpec,
  type WireguardPeerSpec,
  type WireguardSpec,
} from "./kernel.ts";
import type { LinkOptionsByType, OptionValue, PortSpec, PortVlan } from "./link-options.ts";
import type { OvsPort, OvsSpec } from "./ovs.ts";

/** Options that are changed on a link that stays. */
export interface OptionChange {
  readonly type: keyof LinkOptionsByType;
  readonly set: Readonly<Record<string, OptionValue>>;
}

/** A peer as it shall be. Endpoint and preshared key are there only when they have to be given to the kernel; null takes the key away. */
export interface PeerChange extends Omit<WireguardPeerSpec, "presharedKey"> {
  readonly presharedKey?: Secret | null;
}

/** Arguments of every step by its operation. An operation without an executor, an explanation or a rank does not compile. */
export interface StepArguments {
  readonly "netns.add": { readonly name: string };
  readonly "netns.del": { readonly name: string };
  /** `down`: left switched off, since a bond takes no port that is on. */
  readonly "link.add": LinkSpec & { readonly down?: true };
  /** Only the members that differ; `master: null` releases a port. */
  readonly "link.set": LinkId & {
    readonly up?: boolean;
    readonly mac?: string;
    readonly mtu?: number;
    readonly master?: string | null;
    readonly options?: OptionChange;
  };
  readonly "link.del": LinkId;
  readonly "link.rename": LinkId & { readonly to: string };
  /** Flags of a bridge port, those that differ. */
  readonly "link.port": LinkId & { readonly port: PortSpec };
  /** `self`: of the bridge itself. */
  readonly "vlan.add": LinkId & { readonly vlan: PortVlan; readonly self?: true };
  readonly "vlan.del": LinkId & { readonly id: number; readonly self?: true };
  /** Makes the bridge unless it is there; `ports` are those that are new or other than wished. */
  readonly "ovs.set": Pick<OvsSpec, "name" | "datapathType"> & { readonly ports: readonly OvsPort[] };
  /** Pulls ports out of a bridge that stays. */
  readonly "ovs.unport": { readonly name: string; readonly ports: readonly string[] };
  /** `ports`: what goes with it. */
  readonly "ovs.del": { readonly name: string; readonly ports: readonly string[] };
  /** `borrows`: what it was before is remembered. `givesBack`: it is that again, and forgotten. */
  readonly "sysctl.set": SysctlSpec & { readonly borrows?: true; readonly givesBack?: true };
  readonly "address.add": AddressSpec;
  readonly "address.del": AddressSpec;
  readonly "neighbor.add": NeighborSpec;
  readonly "neighbor.del": NeighborSpec;
  readonly "fdb.add": FdbSpec;
  readonly "fdb.del": FdbSpec;
  readonly "route.add": RouteSpec;
  readonly "route.del": RouteSpec;
  readonly "rule.add": RuleSpec;
  readonly "rule.del": RuleSpec;
  readonly "nft.load": NftSpec;
  readonly "nft.del": { readonly netns: string; readonly family: string; readonly table: string };
  readonly "wireguard.device": Omit<WireguardSpec, "peers">;
  readonly "wireguard.peer": { readonly netns: string; readonly dev: string; readonly peer: PeerChange };
  readonly "wireguard.unpeer": { readonly netns: string; readonly dev: string; readonly publicKey: string };
  readonly "file.set": FileSpec;
  readonly "file.del": { readonly path: string };
  readonly "process.set": ProcessSpec;
  /** `keep`: files that other processes have too. */
  readonly "process.del": { readonly name: string; readonly keep?: readonly string[] };
}

export type Operation = keyof StepArguments;

/** One change to the kernel or the supervisor, as data. */
export type Step = { readonly [O in Operation]: { readonly op: O; readonly args: StepArguments[O] } }[Operation];

/** One function per operation: the shape of executors, explanations and ranks. */
export type StepTable<R> = { readonly [O in Operation]: (args: StepArguments[O]) => R };

/** Calls the function of a step's own operation. */
export function visitStep<R>(table: StepTable<R>, step: Step): R {
  const handle = table[step.op] as (args: Step["args"]) => R;
  return handle(step.args);
}

/** The namespaces that a step changes, as far as it says itself. */
export function stepPlaces({ op, args }: Step): readonly string[] {
  if (op === "netns.add" || op === "netns.del") return [args.name];
  // What a process does in the network is not a step, and files are in no namespace.
  if (op === "process.set" || op === "process.del" || op === "file.set" || op === "file.del") return [];
  if (op === "ovs.set" || op === "ovs.unport" || op === "ovs.del") return [HOST];
  if (op !== "link.add") return [args.netns];
  return [args.netns, ...(args.peer === undefined ? [] : [args.peer.netns])];
}
