import { vlanLinkName } from "../lib/ifname.ts";
import { familyOf } from "../lib/ip.ts";
import type { Facts, NicFact, Uplink } from "../model/facts.ts";
import { MTU_LEAST } from "../model/fields.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileBeside } from "./beside.ts";
import { compileDhcpClients } from "./dhcp.ts";
import { raisedLimits } from "./limits.ts";
import { addressingOf, heardBy, linkSettings, networkOf, type NicNetwork } from "./nic-network.ts";
import { compileNodeServices } from "./node-services.ts";
import { compileListening, compileProbe, compileProbeLinks, vlanSpec, withoutIpv6 } from "./probe.ts";
import { probePlace } from "./probe-place.ts";
import { compileAddresses, compileDelegated, compileRoutes } from "./uplink-addresses.ts";
import type { UplinkChoice } from "./uplink.ts";
import { ipv6Parameter } from "./ipv6-parameter.ts";

/**
 * The node's own objects: every candidate NIC up; a probe for each whose network has to be asked; and when one is chosen the uplink's
 * bridge above it, with the DHCP clients and what they heard.
 */
export function compileNode(settings: NodeSettings, facts: Facts, choice: UplinkChoice): readonly KernelObject[] {
  const { chosen, candidates, probed, leaving, beside } = choice;
  const others = candidates.filter((nic) => !beside.includes(nic));
  return [
    ...others.flatMap((nic) => compileNic(settings, nic, nic.name === chosen?.nic.name ? chosen.link : null)),
    ...[...probed, ...leaving].flatMap((nic) => compileProbe(settings, nic, facts.runtimeDir)),
    ...(chosen === null ? candidates : [])
      .filter((nic) => !probed.includes(nic))
      .flatMap((nic) => compileProbeLinks(settings, nic)),
    ...(choice.moved ? pastPlaces(settings, facts, choice) : []),
    ...beside.flatMap((nic) => compileBeside(settings, nic, facts.runtimeDir)),
    ...(chosen === null ? [] : compileUplink(settings, chosen, facts.runtimeDir, choice.replaces)),
    ...raisedLimits(),
    ...compileNodeServices(settings, facts, chosen),
  ];
}

/**
 * The probe of the chosen NIC is an empty namespace for the pass that sets the uplink up, and the places that were made for NICs without
 * carrier stay: the kernel takes down a namespace under the lock that every change of a link waits for, and nobody waits for these.
 */
function pastPlaces(
  settings: NodeSettings,
  { nics, uplink }: Facts,
  { candidates, probed, leaving, beside, chosen }: UplinkChoice,
): readonly KernelObject[] {
  const others = new Set([...probed, ...leaving, ...beside].map(({ name }) => name));
  // While there was no uplink, every candidate had one.
  const began = uplink === null && nics.some(({ probe }) => probe !== undefined);
  return candidates
    .filter(({ name, probe }) => (probe !== undefined || began) && name !== uplink && !others.has(name))
    .flatMap((nic) =>
      nic.name === chosen?.nic.name
        ? [{ kind: "netns", name: probePlace(settings, nic.name).netns } as const]
        : compileProbeLinks(settings, nic),
    );
}

/** A NIC that is up; `bridge` is that of the uplink, whose port it is, or its VLAN. */
function compileNic(settings: NodeSettings, nic: NicFact, bridge: string | null): readonly KernelObject[] {
  const { name } = nic;
  const vlan = settings.vlan.value;
  const own = linkSettings(settings, nic);
  const mtu = own.mtu === undefined ? {} : { mtu: own.mtu };
  const link = { kind: "link", netns: HOST, name, type: "physical", ...own } as const;
  // A bridge of the command line is the uplink's own.
  if (bridge === name) return [link];
  const master = bridge === null ? {} : { master: bridge };
  return [
    { ...link, ...(vlan === null ? master : {}) },
    withoutIpv6(HOST, name),
    ...(vlan === null || bridge === null
      ? []
      : [vlanSpec(HOST, name, vlan, { ...mtu, ...master }), withoutIpv6(HOST, vlanLinkName(name, vlan))]),
  ];
}

/**
 * Under a bridge that gets another NIC there may be another network, and what the kernel knows of the old one by advertisements would
 * stay for hours: addresses, routers, the bridge's own address of its old MAC. IPv6 is off on the bridge for the pass that changes the
 * NIC, and begins anew with the next one.
 */
function compileUplink(
  settings: NodeSettings,
  uplink: Uplink,
  runtimeDir: string,
  replaces: boolean,
): readonly KernelObject[] {
  const objects = compileBridge(settings, uplink, runtimeDir);
  const { dhcp6, ra, addresses } = addressingOf(settings, uplink.nic);
  if (dhcp6 === false && !ra && !addresses.some((address) => familyOf(address) === 6)) return objects;
  const off = ipv6Parameter(HOST, uplink.link, "disable_ipv6", replaces ? "1" : "0");
  return [...(replaces ? objects.filter((object) => !isIpv6(object)) : objects), off];
}

/** What cannot be there while IPv6 is off. */
function isIpv6(object: KernelObject): boolean {
  if (object.kind === "address") return familyOf(object.address) === 6;
  return object.kind === "route" && familyOf(object.to) === 6;
}

/**
 * The bridge has the NIC's MAC, so that the LAN sees one station only, and never another one: else the kernel gives a bridge the
 * lowest MAC of its ports (br_stp_recalculate_bridge_id).
 */
function compileBridge(settings: NodeSettings, { nic, link }: Uplink, runtimeDir: string): readonly KernelObject[] {
  const place = { netns: HOST, dev: link };
  const network = networkOf(settings, nic);
  return [
    {
      kind: "link",
      netns: HOST,
      name: link,
      type: "bridge",
      mac: nic.mac,
      ...leasedMtu(network),
      ...linkSettings(settings, nic),
      options: { mcastSnooping: false },
    },
    ...compileListening(place, network.addressing.ra),
    ...compileDhcpClients(place, network, settings, runtimeDir),
    ...compileAddresses(place, network),
    ...(settings.prefix.value ? compileDelegated(HOST, network) : []),
    ...compileRoutes(place, nic.name, settings.routes.value),
  ];
}

/** Of Ethernet. More is for whoever knows that every switch and port can carry it (`uplink.mtu`). */
const MTU_USUAL = 1500;

/** A smaller MTU that the lease asks for (option 26), on the bridge alone: what others send to us may be larger. */
function leasedMtu({ nic, addressing }: NicNetwork): { readonly mtu?: number } {
  const mtu = heardBy(addressing, nic.probe).lease4?.mtu;
  return mtu === undefined || mtu < MTU_LEAST || mtu >= MTU_USUAL ? {} : { mtu };
}
