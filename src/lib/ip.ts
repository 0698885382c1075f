import { IPv4CidrRange, IPv6CidrRange } from "ip-num";

/** 4 for IPv4, 6 for IPv6. */
export type Family = 4 | 6;

/** An address with its prefix length, in canonical text: "10.1.2.3/24", "fd00::1/64". Host bits may be set. */
export interface Cidr {
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
}

/** The family of an address text. */
export function familyOf(address: string): Family {
  return address.includes(":") ? 6 : 4;
}

/**
 * The canonical text of an address (RFC 5952 for IPv6), or undefined when it is none.
 * The WHATWG URL parser does it; its leniencies (octal, shortened IPv4) are refused before.
 */
export function canonicalAddress(text: string): string | undefined {
  if (text.includes(":")) {
    if (!/^[0-9a-f:.]+$/iu.test(text)) return undefined;
    const url = URL.parse(`http://[${text}]/`);
    return url === null ? undefined : url.hostname.slice(1, -1);
  }
  if (!/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/u.test(text)) return undefined;
  return text.split(".").every((part) => Number(part) <= 255) ? text : undefined;
}

/** Parses "address/prefix", or returns undefined when it is not one. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/u.exec(text);
  const address = canonicalAddress(match?.[1] ?? "");
  if (address === undefined) return undefined;
  const family = familyOf(address);
  const prefix = Number(match?.[2]);
  return prefix <= (family === 4 ? 32 : 128) ? { family, address, prefix } : undefined;
}

/** Parses text that a schema has already accepted; throws when it was not. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new TypeError(`not an address with prefix length: ${text}`);
  return parsed;
}

/** "address/prefix" as text. */
export function formatCidr(value: Cidr): string {
  return `${value.address}/${value.prefix}`;
}

function range(value: Cidr): IPv4CidrRange | IPv6CidrRange {
  return value.family === 4 ? IPv4CidrRange.fromCidr(formatCidr(value)) : IPv6CidrRange.fromCidr(formatCidr(value));
}

/** The network that an address belongs to: host bits cleared. */
export function networkOf(value: Cidr): Cidr {
  const address = canonicalAddress(range(value).getFirst().toString()) ?? value.address;
  return { ...value, address };
}

/** The n-th address of a network (0 = the network itself), with the network's prefix length. */
export function hostAt(network: Cidr, n: number): Cidr {
  const first = range(network).getFirst().getValue();
  return { ...network, address: fromNumber(network.family, first + BigInt(n)) };
}

/** How many addresses a network holds. */
export function sizeOf(network: Cidr): bigint {
  return range(network).getSize();
}

/** True when the two networks share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && (contains(a, b) || contains(b, a));
}

/** True when every address of `inner` lies in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || inner.prefix < outer.prefix) return false;
  return networkOf({ ...inner, prefix: outer.prefix }).address === networkOf(outer).address;
}

function fromNumber(family: Family, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_unused, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return canonicalAddress(groups.join(":")) ?? groups.join(":");
}
