import { vlanLinkName } from "../lib/ifname.ts";
import type { Asked } from "../model/check.ts";
import type { NicFact } from "../model/facts.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileDhcpClients } from "./dhcp.ts";
import { linkSettings, networkOf } from "./nic-network.ts";
import { probePlace, type ProbePlace } from "./probe-place.ts";
import type { UplinkChoice } from "./uplink.ts";
import { compileAddresses } from "./uplink-addresses.ts";
import { ipv6Parameter } from "./ipv6-parameter.ts";

/** Whose network is to be asked, from where, and what. Without an address or a router there is nothing to ask. */
export function questionsOf(
  settings: NodeSettings,
  { probed, chosen }: Pick<UplinkChoice, "probed" | "chosen">,
): readonly Asked[] {
  const targets = settings.checks.value;
  const ask = (nic: NicFact, place: ProbePlace): readonly Asked[] => {
    const { addresses, gateways } = networkOf(settings, nic);
    if (!nic.carrier || addresses.length === 0 || gateways.length === 0) return [];
    return [{ nic: nic.name, addresses, question: { ...place, gateways, targets } }];
  };
  return [
    ...probed.flatMap((nic) => ask(nic, probePlace(settings, nic.name))),
    ...(chosen === null ? [] : ask(chosen.nic, { netns: HOST, dev: chosen.link })),
  ];
}

/**
 * A NIC's network in a namespace of its own: a macvlan in passthru mode, which has the NIC's MAC, so that nobody out there sees a second
 * station; the DHCP clients, and what they heard. The NIC itself stays where it is: one that was moved would lose its settings, and
 * lands in the kernel's first namespace when a crash takes the one it was in.
 */
export function compileProbe(settings: NodeSettings, nic: NicFact, runtimeDir: string): readonly KernelObject[] {
  const place = probePlace(settings, nic.name);
  const network = networkOf(settings, nic);
  return [
    ...compileProbeLinks(settings, nic),
    ...compileDhcpClients(place, network, settings, runtimeDir),
    ...compileAddresses(place, network),
  ];
}

/**
 * The part of a probe that needs no cable: while nothing is chosen it is there for NICs without carrier too, since it takes longer to
 * make than to start the clients in it.
 */
export function compileProbeLinks(settings: NodeSettings, nic: NicFact): readonly KernelObject[] {
  const { netns, dev } = probePlace(settings, nic.name);
  const vlan = settings.vlan.value;
  const { addressing } = networkOf(settings, nic);
  const own = linkSettings(settings, nic);
  const mtu = own.mtu === undefined ? {} : { mtu: own.mtu };
  return [
    { kind: "netns", name: netns },
    {
      kind: "link",
      netns,
      name: nic.name,
      type: "macvlan",
      lower: { netns: HOST, name: nic.name },
      options: { mode: "passthru" },
      ...mtu,
    },
    ...(vlan === null ? [] : [...silentBelow(netns, dev), vlanSpec(netns, nic.name, vlan, mtu)]),
    ...compileListening({ netns, dev }, addressing.ra),
  ];
}

/** Only the VLAN speaks IPv6: what is below it would do so without a tag, from the moment that it is made. */
function silentBelow(netns: string, dev: string): readonly KernelObject[] {
  return [
    { kind: "sysctl", netns, key: "net.ipv6.conf.default.disable_ipv6", value: "1" },
    ipv6Parameter(netns, dev, "disable_ipv6", "0"),
  ];
}

/** A link of a VLAN on a NIC, or on what stands for it in a probe. */
export function vlanSpec(
  netns: string,
  nic: string,
  vlan: number,
  more: { readonly mtu?: number; readonly master?: string },
): KernelObject {
  const lower = { netns, name: nic };
  return {
    kind: "link",
    netns,
    name: vlanLinkName(nic, vlan),
    type: "vlan",
    lower,
    options: { id: vlan, protocol: "802.1Q" },
    ...more,
  };
}

/**
 * Router advertisements are heeded also where packets are forwarded (2, ip-sysctl), and with them default routes; or not at all.
 */
export function compileListening({ netns, dev }: ProbePlace, heeds: boolean): readonly KernelObject[] {
  const set = (name: string, value: string): KernelObject => ipv6Parameter(netns, dev, name, value);
  return heeds ? [set("accept_ra", "2"), set("accept_ra_defrtr", "1")] : [set("accept_ra", "0")];
}

/** A NIC takes no part in IPv6 itself: what is above it does, with the same MAC. */
export function withoutIpv6(netns: string, dev: string): KernelObject {
  return ipv6Parameter(netns, dev, "disable_ipv6", "1");
}
