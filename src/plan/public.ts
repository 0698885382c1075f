import { hostVethName } from "../lib/ifname.ts";
import { familyOf } from "../lib/ip.ts";
import type { PublicSide } from "../model/document.ts";
import type { Facts, NicFact, PublicSideState, Uplink } from "../model/facts.ts";
import { HOST, type KernelObject, type LinkSpec } from "../model/kernel.ts";
import { PUBLIC } from "../model/public-names.ts";
import type { NodeSettings } from "../model/settings.ts";
import { fittingMtu } from "./nic-network.ts";
import { objectId } from "./object-key.ts";
import { withoutIpv6 } from "./probe.ts";
import { derivedMac, publicMacs } from "./public-macs.ts";
import { pair, portName, portObjects, type Port } from "./public-port.ts";
import { ipv6Parameter } from "./ipv6-parameter.ts";
import { byRouter } from "./uplink-addresses.ts";

/** What the public side compiles from. */
export interface PublicInputs {
  readonly side: PublicSide;
  readonly settings: NodeSettings;
  readonly facts: Pick<Facts, "nics" | "nodeId" | "uplink">;
  readonly uplink: Uplink | null;
  /** The NIC of its own, by `secondNic` (plan/public-checks.ts). */
  readonly second: NicFact | null;
}

interface Compiled {
  readonly objects: readonly KernelObject[];
  readonly state: PublicSideState;
}

/** Below the metric that the kernel gives a router by its advertisement (IP6_RT_PRIO_USER): what is written down wins. */
const STATIC_METRIC6 = 512;

/**
 * The public side (COMPAT.md 2.2): namespace, segment and the pair between them, with exactly the addresses that the document has.
 * A pair and no macvlan, since two macvlans on one link do not hear each other's ARP. Routes by router advertisements are the kernel's.
 */
export function compilePublic(inputs: PublicInputs): Compiled {
  const { side, settings, uplink, second } = inputs;
  const { netns, link: dev, bridge } = PUBLIC;
  const macs = publicMacs(inputs.facts, settings, uplink);
  const port = portOf(inputs);
  // One NIC has one MTU, that of the uplink; a second one is not spoken of by `mtu`.
  const mtu =
    side.nic === undefined && settings.mtu.value !== null
      ? { mtu: fittingMtu(settings.mtu.value, port?.nic ?? uplink?.nic) }
      : {};
  const parameters = (name: string, value: string): KernelObject => ipv6Parameter(netns, dev, name, value);
  const objects: KernelObject[] = [
    {
      kind: "link",
      netns: HOST,
      name: bridge,
      type: "bridge",
      mac: macs.of(bridge),
      ...mtu,
      options: { mcastSnooping: false },
    },
    withoutIpv6(HOST, bridge),
    ipv6Parameter(HOST, bridge, "accept_ra", "0"),
    { kind: "netns", name: netns },
    ...pair(
      { netns: HOST, name: hostVethName(netns, dev), master: bridge },
      { netns, name: dev, mac: macs.public },
      macs,
      mtu,
    ),
    // Heeded although the namespace forwards; what they say of addresses is not, so that it has those of the document only.
    parameters("accept_ra", "2"),
    parameters("accept_ra_defrtr", "1"),
    parameters("autoconf", "0"),
    // Who knew the address by another MAC hears of the new one.
    parameters("ndisc_notify", "1"),
    { kind: "sysctl", netns, dev, key: `net.ipv4.conf.${dev}.arp_notify`, value: "1" },
    { kind: "sysctl", netns, key: "net.ipv6.conf.all.forwarding", value: "1" },
    ...side.addresses.map((address) => ({ kind: "address", netns, dev, address }) as const),
    ...side.gateways.map((via) => defaultRoute(via, side.addresses)),
    ...(port === null ? [] : portObjects(port, macs, mtu)),
  ];
  const state: PublicSideState = {
    mode: side.nic === undefined ? "single" : "dual",
    nic: port?.nic.name ?? null,
    port: port === null ? null : portName(port),
    vlan: vlanOf(inputs),
    mac: macs.public,
    addresses: side.addresses,
    gateways: side.gateways,
    waiting:
      port === null ? waitsFor(side, uplink) : second?.carrier === false ? `${second.name} has no carrier` : null,
    note: ignoredVlan(inputs) ?? ignoredSwap(inputs),
  };
  return { objects, state };
}

/**
 * The node's objects with those of the public side: both may speak of one NIC. With `pub:mac=swap` the uplink has the MAC that is
 * made from the node's id; without, a NIC that still has it gets its own back.
 */
export function withPublicSide(
  objects: readonly KernelObject[],
  {
    side,
    facts,
    uplink,
    settings,
  }: Pick<PublicInputs, "facts" | "uplink" | "settings"> & { readonly side: Compiled | null },
): readonly KernelObject[] {
  const merged = new Map<string, KernelObject>();
  for (const object of [...objects, ...(side?.objects ?? [])]) {
    const key = objectId(object);
    const known = merged.get(key);
    merged.set(key, known?.kind === "link" && object.kind === "link" ? bothLinks(known, object) : object);
  }
  const derived = derivedMac(facts);
  const swapped = new Set(
    side === null || uplink === null || publicMacs(facts, settings, uplink).uplink === null
      ? []
      : [uplink.nic.name, uplink.link],
  );
  const own = new Map(facts.nics.map((nic) => [nic.name, nic]));
  return [...merged.values()].map((object) => {
    if (object.kind !== "link" || object.netns !== HOST) return object;
    if (swapped.has(object.name)) return { ...object, mac: derived };
    const nic = object.type === "physical" ? own.get(object.name) : undefined;
    return nic?.mac === derived && nic.permanentMac !== undefined ? { ...object, mac: nic.permanentMac } : object;
  });
}

/** What two parts of a node say of one link; whoever only adopts it knows neither its kind nor its options. */
function bothLinks(known: LinkSpec, object: LinkSpec): LinkSpec {
  const adopted = object.type === "physical" && known.type !== "physical";
  return (adopted ? { ...object, ...known } : { ...known, ...object }) as LinkSpec;
}

function portOf(inputs: PublicInputs): Port | null {
  const { side, settings, facts, uplink, second } = inputs;
  const id = vlanOf(inputs);
  if (side.nic !== undefined) {
    if (second === null) return null;
    return id === null ? { kind: "nic", nic: second } : { kind: "vlan", nic: second, id };
  }
  const shared = id === settings.vlan.value;
  // A VLAN of its own does not depend on how the uplink is; the other two ways go by what the uplink has of its NIC.
  const nic = uplink?.nic ?? (shared || id === null ? undefined : facts.nics.find(({ name }) => name === facts.uplink));
  if (nic === undefined) return null;
  if (shared) return uplink === null ? null : { kind: "pair", nic, bridge: uplink.link };
  // Tagged frames go to the uplink's VLAN link before the bridge that the NIC is a port of sees them.
  return id === null ? { kind: "nic", nic } : { kind: "vlan", nic, id };
}

function vlanOf({ side, settings }: PublicInputs): number | null {
  return side.nic !== undefined && side.vlan === undefined ? null : settings.publicVlan.value;
}

/** `vlan:pub` is about the NIC that uplink and public side share (COMPAT.md 1.2). */
function ignoredVlan({ side, settings: { publicVlan } }: PublicInputs): string | null {
  if (side.nic === undefined || side.vlan !== undefined || publicVlan.value === null) return null;
  return `VLAN ${publicVlan.value} (${publicVlan.source}) holds where uplink and public side share a NIC: this one is untagged`;
}

function ignoredSwap({ settings: { publicMac }, uplink }: PublicInputs): string | null {
  if (publicMac.value !== "swap" || uplink === null || uplink.nic.permanentMac !== undefined) return null;
  return `MACs are not exchanged (${publicMac.source}): ${uplink.nic.name} does not know its own for certain`;
}

function waitsFor({ nic }: PublicSide, uplink: Uplink | null): string {
  return nic === undefined && uplink === null ? "no uplink is chosen yet" : `there is no NIC ${nic ?? ""}`;
}

function defaultRoute(via: string, addresses: readonly string[]): KernelObject {
  const { netns, link: dev } = PUBLIC;
  const six = familyOf(via) === 6;
  return {
    kind: "route",
    netns,
    to: six ? "::/0" : "0.0.0.0/0",
    dev,
    ...byRouter(via, addresses),
    ...(six ? { metric: STATIC_METRIC6 } : {}),
  };
}
