import { cidr, contains, familyOf } from "../lib/ip.ts";
import type { AddressSpec, KernelObject } from "../model/kernel.ts";
import type { ExtraRoute } from "../model/settings.ts";
import { heardBy, type NicNetwork } from "./nic-network.ts";

/** Metric of default routes: below it is room for routes that people add. */
const METRIC = 1024;

/** A lease time that stands for ever (RFC 2131, 3.3; RFC 8415, 7.7). */
const FOR_EVER = 0xff_ff_ff_ff;

/** A link by the words that addresses and routes use. */
export interface Place {
  readonly netns: string;
  readonly dev: string;
}

/**
 * What is configured and what DHCP gave, as addresses and routes of a link. Those of router advertisements are the kernel's own
 * affair (accept_ra).
 */
export function compileAddresses(place: Place, network: NicNetwork): readonly KernelObject[] {
  return [...compileOwnAddresses(place, network), ...compileDefaults(place, network)];
}

/** The addresses, what is on the link beside their networks, and the classless routes of a lease. */
export function compileOwnAddresses({ netns, dev }: Place, { nic, addressing }: NicNetwork): readonly KernelObject[] {
  const { lease4, lease6 } = heardBy(addressing, nic.probe);
  const ends = (from: number, until: number): number | undefined => (until - from < FOR_EVER ? until : undefined);
  const leased6 = (lease6?.addresses ?? []).map(({ address, preferredUntil, validUntil }) => {
    const obtainedAt = lease6?.obtainedAt ?? 0;
    return leased(address, ends(obtainedAt, validUntil), ends(obtainedAt, preferredUntil));
  });
  const addresses: readonly Pick<AddressSpec, "address" | "validUntil" | "preferredUntil">[] = [
    ...addressing.addresses.map((address) => ({ address })),
    ...(lease4 === undefined ? [] : [leased(lease4.address, ends(lease4.obtainedAt, lease4.expiresAt))]),
    ...leased6,
  ];
  // What is configured holds for ever, whoever else gives it for a time.
  const once = new Map(addresses.toReversed().map((one) => [one.address, one]));
  return [
    ...addresses
      .filter((one) => once.get(one.address) === one)
      .map((one) => ({ kind: "address", netns, dev, ...one }) as const),
    ...(addressing.peers ?? []).map((peer) => ({ kind: "route", netns, to: host(peer), dev }) as const),
    ...(lease4?.routes ?? []).map(({ to, via }) => leasedRoute({ netns, dev }, lease4?.address ?? "", to, via)),
  ];
}

/** An address with its times; without one it is for ever. */
function leased(
  address: string,
  validUntil: number | undefined,
  preferredUntil: number | undefined = validUntil,
): Pick<AddressSpec, "address" | "validUntil" | "preferredUntil"> {
  return {
    address,
    ...(validUntil === undefined ? {} : { validUntil }),
    ...(preferredUntil === undefined || preferredUntil === validUntil ? {} : { preferredUntil }),
  };
}

/** The default routes; what is said of a family holds before what is heard. */
function compileDefaults({ netns, dev }: Place, { nic, addressing }: NicNetwork): readonly KernelObject[] {
  const { lease4 } = heardBy(addressing, nic.probe);
  const said = new Set(addressing.gateways.map(familyOf));
  const near = [
    ...addressing.addresses,
    ...(lease4 === undefined ? [] : [lease4.address]),
    ...(addressing.peers ?? []).map(host),
  ];
  const own = addressing.gateways.map((via): KernelObject => {
    const to = familyOf(via) === 6 ? "::/0" : "0.0.0.0/0";
    return { kind: "route", netns, to, dev, metric: METRIC, ...byRouter(via, near) };
  });
  if (lease4?.router === undefined || said.has(4)) return own;
  return [...own, leasedRoute({ netns, dev }, lease4.address, "0.0.0.0/0", lease4.router)];
}

/**
 * Prefixes that were delegated to us: what nobody uses of them is unreachable, or it would go back to the router that sends it here, and
 * so on (RFC 7084, WPD-5).
 */
export function compileDelegated(netns: string, { nic, addressing }: NicNetwork): readonly KernelObject[] {
  const { lease6 } = heardBy(addressing, nic.probe);
  return (lease6?.prefixes ?? []).map(({ prefix }) => ({
    kind: "route",
    netns,
    to: prefix,
    type: "unreachable",
    metric: METRIC,
  }));
}

/**
 * A router as routes name it. One that lies outside of all our networks is on the link all the same: hosters give single addresses so,
 * and leases may (RFC 3442).
 */
export function byRouter(via: string, addresses: readonly string[]): { readonly via: string; readonly onlink?: true } {
  const router = cidr(host(via));
  const near = via.startsWith("fe80:") || addresses.some((address) => contains(cidr(address), router));
  return near ? { via } : { via, onlink: true };
}

/** An address as a network that has no other. */
function host(address: string): string {
  return `${address}/${familyOf(address) === 4 ? 32 : 128}`;
}

/** A route of a lease. */
function leasedRoute({ netns, dev }: Place, address: string, to: string, via: string | undefined): KernelObject {
  const route = { kind: "route", netns, to, dev, metric: METRIC } as const;
  return via === undefined ? route : { ...route, ...byRouter(via, [address]) };
}

/** Routes that somebody asked for by the uplink, or by its NIC. */
export function compileRoutes(
  { netns, dev }: Place,
  nic: string,
  routes: readonly ExtraRoute[],
): readonly KernelObject[] {
  return routes
    .filter((route) => route.dev === undefined || route.dev === nic || route.dev === dev)
    .map(({ to, via }) => ({ kind: "route", netns, to, dev, ...(via === undefined ? {} : { via }) }));
}
