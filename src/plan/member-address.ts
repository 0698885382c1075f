import { cidr, formatCidr, hostAt, indexIn, sizeOf, withoutPrefix, type Cidr } from "../lib/ip.ts";
import type { LanDocument } from "../model/document.ts";
import type { Member } from "../model/member.ts";
import { firstLease4, lanAddresses, LAST_LEASE6 } from "./dnsmasq.ts";

/** The addresses that members of a LAN may have, counted from its network's first; `end` is behind the last. */
interface Range {
  readonly first: number;
  readonly end: number;
}

/** Those that are neither the network's own, nor its broadcast's, nor given by DHCP. */
function memberRange(lan: LanDocument): Range {
  const network = cidr(lan.cidr);
  const size = Number(sizeOf(network));
  // All addresses of a /31 and a /32 are hosts' (RFC 3021).
  if (size <= 2) return { first: 0, end: size };
  return { first: 1, end: lan.dhcp ? firstLease4(network) : size - 1 };
}

/** How many members a LAN has addresses for, its gateway's left out. */
export function memberRoom(lan: LanDocument): number {
  const { first, end } = memberRange(lan);
  const gateway = gatewayHost(lan);
  return end - first - (gateway >= first && gateway < end ? 1 : 0);
}

/** Which address of its network the gateway has. */
function gatewayHost(lan: LanDocument): number {
  return Number(indexIn(cidr(lanAddresses(lan).v4)));
}

/**
 * The next free address of a LAN after the one that was given last, so that one that has just become free is not met in the
 * caches of its neighbours. Undefined when there is none.
 */
export function nextHost(lan: LanDocument, taken: ReadonlySet<number>, last: number = 0): number | undefined {
  const { first, end } = memberRange(lan);
  const gateway = gatewayHost(lan);
  const from = Math.min(Math.max(first, last + 1), end);
  const isFree = (host: number): boolean => host !== gateway && !taken.has(host);
  for (let host = from; host < end; host += 1) if (isFree(host)) return host;
  for (let host = first; host < from; host += 1) if (isFree(host)) return host;
  return undefined;
}

/** Which address of the LAN's network a member has; undefined when it has none of it. */
export function hostOf(
  lan: Pick<LanDocument, "cidr">,
  { addresses: [first] }: Pick<Member, "addresses">,
): number | undefined {
  if (first === undefined) return undefined;
  const address = cidr(first);
  const network = cidr(lan.cidr);
  if (address.prefix !== network.prefix || address.family !== network.family) return undefined;
  const host = Number(indexIn(address));
  return hostAt(network, host).address === address.address ? host : undefined;
}

/** Addresses and routes of a member that has the given address of its LAN. */
export function memberAddresses(lan: LanDocument, host: number): Pick<Member, "addresses" | "routes"> {
  const { v4, v6 } = lanAddresses(lan);
  const address6 = lan.ipv6 === undefined ? undefined : host6(cidr(lan.ipv6.cidr), host);
  return {
    addresses: [formatCidr(hostAt(cidr(lan.cidr), host)), ...(address6 === undefined ? [] : [address6])],
    routes: [
      { to: "0.0.0.0/0", via: withoutPrefix(v4) },
      ...(v6 === undefined || address6 === undefined ? [] : [{ to: "::/0", via: withoutPrefix(v6) }]),
    ],
  };
}

/** The same number in the LAN's IPv6 network, above what DHCPv6 gives. A network too small for it gives none. */
function host6(network: Cidr, host: number): string | undefined {
  const number = LAST_LEASE6 + 1 + host;
  return BigInt(number) < sizeOf(network) ? formatCidr(hostAt(network, number)) : undefined;
}
