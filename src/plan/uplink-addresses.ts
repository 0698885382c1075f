import { familyOf } from "../lib/ip.ts";
import type { KernelObject } from "../model/kernel.ts";
import type { ExtraRoute } from "../model/settings.ts";
import { heardBy, type NicNetwork } from "./nic-network.ts";

/** Metric of default routes: below it is room for routes that people add. */
const METRIC = 1024;

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

/** The addresses, and what is on the link beside their networks. */
export function compileOwnAddresses({ netns, dev }: Place, { nic, addressing }: NicNetwork): readonly KernelObject[] {
  const { lease4, lease6 } = heardBy(addressing, nic.probe);
  const addresses = [
    ...addressing.addresses,
    ...(lease4 === undefined ? [] : [lease4.address]),
    ...(lease6?.addresses ?? []).map(({ address }) => address),
  ];
  return [
    ...[...new Set(addresses)].map((address) => ({ kind: "address", netns, dev, address }) as const),
    ...(addressing.peers ?? []).map(
      (peer) => ({ kind: "route", netns, to: `${peer}/${familyOf(peer) === 4 ? 32 : 128}`, dev }) as const,
    ),
  ];
}

/** The default routes; what is said of a family holds before what is heard. */
function compileDefaults({ netns, dev }: Place, { nic, addressing }: NicNetwork): readonly KernelObject[] {
  const { lease4 } = heardBy(addressing, nic.probe);
  const said = new Set(addressing.gateways.map(familyOf));
  const router = lease4?.router === undefined || said.has(4) ? [] : [lease4.router];
  return [...addressing.gateways, ...router].map((via) => {
    const to = familyOf(via) === 6 ? "::/0" : "0.0.0.0/0";
    return { kind: "route", netns, to, dev, via, metric: METRIC };
  });
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
