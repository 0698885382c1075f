import { cidr, contains, familyOf, type Family } from "../lib/ip.ts";
import type { NicFact, ProbeFact } from "../model/facts.ts";
import type { CheckResult } from "../model/guard.ts";
import { matchesNic } from "../model/nic-pattern.ts";
import type { Addressing, NodeSettings } from "../model/settings.ts";

/** How much a NIC's network has of what is asked for. */
export const LEVEL = {
  /** No carrier, or no address. */
  nothing: 0,
  address: 1,
  /** A default router beside. */
  route: 2,
  /** A default router answers ARP or neighbour discovery. */
  gateway: 3,
  /** All configured checks pass too, of which there may be none. */
  complete: 4,
} as const;

export type Level = (typeof LEVEL)[keyof typeof LEVEL];

/** What is known of the network that a NIC is plugged into. */
export interface NicNetwork {
  readonly nic: NicFact;
  readonly addressing: Addressing;
  /** IPv4 first. */
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly level: Level;
}

/** How a NIC gets its addresses: what is said of it, or of every candidate. */
export function addressingOf(settings: NodeSettings, nic: NicFact): Addressing {
  const own = settings.addressingOf.find((one) => matchesNic(one.nic, nic));
  return (own?.addressing ?? settings.addressing).value;
}

/** MTU and MAC of a NIC, as far as somebody says something of them: what is said of the NIC holds before what is said of all. */
export function linkSettings(settings: NodeSettings, nic: NicFact): { readonly mtu?: number; readonly mac?: string } {
  const { mac } = addressingOf(settings, nic);
  const mtu = wantedMtu(settings, nic);
  return { ...(mtu === undefined ? {} : { mtu: fittingMtu(mtu, nic) }), ...(mac === undefined ? {} : { mac }) };
}

function wantedMtu(settings: NodeSettings, nic: NicFact): number | undefined {
  return addressingOf(settings, nic).mtu ?? settings.mtu.value ?? undefined;
}

/** As much of an MTU as a NIC takes: of more the kernel refuses the whole change, and the NIC would not even be up. */
export function fittingMtu(mtu: number, nic: Pick<NicFact, "maxMtu"> | undefined): number {
  return Math.min(mtu, nic?.maxMtu ?? mtu);
}

/** Why a NIC has a smaller MTU than somebody said; undefined when it has that. */
export function mtuShortfall(settings: NodeSettings, nic: NicFact): string | undefined {
  const mtu = wantedMtu(settings, nic);
  if (mtu === undefined || fittingMtu(mtu, nic) === mtu) return undefined;
  return `its MTU is ${nic.maxMtu} and not ${mtu}: its driver takes no more`;
}

/** What was heard on a network, as far as the addressing asks for it. */
export function heardBy(
  { dhcp4, dhcp6, ra: heeds }: Addressing,
  probe: ProbeFact | undefined,
): Pick<ProbeFact, "lease4" | "lease6" | "ra"> {
  const { lease4, lease6, ra } = probe ?? {};
  return {
    ...(dhcp4 && lease4 !== undefined ? { lease4 } : {}),
    ...(dhcp6 !== false && lease6 !== undefined ? { lease6 } : {}),
    ...(heeds && ra !== undefined ? { ra } : {}),
  };
}

/** What a NIC has, as far as its addressing asks for it: a lease of a client that is not wished for any more does not count. */
export function networkOf(settings: NodeSettings, nic: NicFact): NicNetwork {
  const addressing = addressingOf(settings, nic);
  const { lease4, lease6, ra } = heardBy(addressing, nic.probe);
  const addresses = [
    ...addressing.addresses,
    ...(lease4 === undefined ? [] : [lease4.address]),
    ...(lease6?.addresses ?? []).map(({ address }) => address),
    ...(ra?.addresses ?? []),
  ];
  const routers = [lease4?.router, ra?.router].filter((router) => router !== undefined);
  // One of a family: what is said holds before what is heard.
  const said = new Set(addressing.gateways.map(familyOf));
  const gateways = [...addressing.gateways, ...routers.filter((router) => !said.has(familyOf(router)))];
  const known = { nic, addressing, addresses: addresses.toSorted(byFamily), gateways: gateways.toSorted(byFamily) };
  return { ...known, level: levelOf(known, settings.checks.value) };
}

function levelOf({ nic, addresses, gateways }: Omit<NicNetwork, "level">, targets: readonly string[]): Level {
  if (!nic.carrier || addresses.length === 0) return LEVEL.nothing;
  const { probe } = nic;
  const has = (family: Family, texts: readonly string[]): boolean => texts.some((text) => familyOf(text) === family);
  const routed = ([4, 6] as const).filter((family) => has(family, addresses) && has(family, gateways));
  if (routed.length === 0) return LEVEL.address;
  // One family that works is enough to be reached by.
  if (!routed.some((family) => gatewayOf(probe, family)?.passed === true)) return LEVEL.route;
  return targets.every((target) => probe?.checks?.some(({ name, passed }) => name === target && passed) === true)
    ? LEVEL.complete
    : LEVEL.gateway;
}

/** How the default router of a family answered. */
export function gatewayOf(probe: ProbeFact | undefined, family: Family): CheckResult | undefined {
  return family === 4 ? probe?.gateway4 : probe?.gateway6;
}

/** True when nothing that is asked for could still arrive: static addresses without a router. */
export function isSettled({ addressing, level }: NicNetwork): boolean {
  const { dhcp4, dhcp6, ra, gateways } = addressing;
  return level >= LEVEL.address && !dhcp4 && dhcp6 === false && !ra && gateways.length === 0;
}

const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fe80::/10", "fc00::/7"].map(cidr);

/** True when a default router has a private address, as that of a home or an office does (RFC 1918, RFC 4193). */
export function isPrivatelyRouted({ gateways }: NicNetwork): boolean {
  return gateways.some((gateway) => {
    const address = cidr(`${gateway}/${familyOf(gateway) === 4 ? 32 : 128}`);
    return PRIVATE.some((network) => contains(network, address));
  });
}

function byFamily(a: string, b: string): number {
  return familyOf(a) - familyOf(b);
}
