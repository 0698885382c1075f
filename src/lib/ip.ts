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

/** The address of "address/prefix". */
export function withoutPrefix(text: string): string {
  return text.slice(0, text.indexOf("/"));
}

/** True for the network of all addresses of a family: that of a default route. */
export function isEverything(network: string): boolean {
  return network === "0.0.0.0/0" || network === "::/0";
}

/** The network that an address belongs to: host bits cleared. */
export function networkOf(value: Cidr): Cidr {
  return { ...value, address: fromNumber(value.family, span(value).first) };
}

/** The n-th address of a network (0 = the network itself), with the network's prefix length. */
export function hostAt(network: Cidr, n: number): Cidr {
  return { ...network, address: fromNumber(network.family, span(network).first + BigInt(n)) };
}

/** The last address of a network. */
export function lastOf(network: Cidr): string {
  return fromNumber(network.family, span(network).last);
}

/** Which of its network's addresses one is: the inverse of `hostAt`. */
export function indexIn(value: Cidr): bigint {
  const whole = { ...value, prefix: value.family === 4 ? 32 : 128 };
  return span(whole).first - span(value).first;
}

/** How many addresses a network holds. */
export function sizeOf(network: Cidr): bigint {
  const { first, last } = span(network);
  return last - first + 1n;
}

/**
 * Pairs of entries whose networks overlap, found in one sweep: n log n, so that a thousand networks cost milliseconds.
 * Of several entries inside one wide network each is paired with the wide one.
 */
export function findOverlaps<T extends { readonly network: string }>(
  entries: readonly T[],
): readonly (readonly [T, T])[] {
  const spans = entries.map((entry) => ({ entry, ...span(cidr(entry.network)) }));
  spans.sort((a, b) => a.family - b.family || compare(a.first, b.first) || compare(b.last, a.last));
  const pairs: (readonly [T, T])[] = [];
  let widest = spans[0];
  for (const next of spans.slice(1)) {
    if (widest !== undefined && widest.family === next.family && next.first <= widest.last)
      pairs.push([widest.entry, next.entry]);
    else widest = next;
  }
  return pairs;
}

/** First and last address of a network as numbers. */
function span({ family, address, prefix }: Cidr): {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
} {
  const hostBits = BigInt((family === 4 ? 32 : 128) - prefix);
  const first = (toNumber(family, address) >> hostBits) << hostBits;
  return { family, first, last: first + (1n << hostBits) - 1n };
}

/**
 * A canonical address as a number. By hand, as its inverse below: loading a library for it and asking it (ip-num) took a tenth of
 * the daemon's time until a node that boots is online.
 */
function toNumber(family: Family, address: string): bigint {
  if (family === 4) return BigInt(address.split(".").reduce((value, part) => value * 256 + Number(part), 0));
  const [head = [], tail] = address.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const groups = tail === undefined ? [...head] : [...head, ...ZEROS.slice(head.length + tail.length), ...tail];
  return BigInt(`0x${groups.map((group) => group.padStart(4, "0")).join("")}`);
}

const ZEROS = Array.from({ length: 8 }, () => "0");

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** True when every address of `inner` lies in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || inner.prefix < outer.prefix) return false;
  const hostBits = BigInt((outer.family === 4 ? 32 : 128) - outer.prefix);
  const networkNumber = ({ family, address }: Cidr): bigint => toNumber(family, address) >> hostBits;
  return networkNumber(inner) === networkNumber(outer);
}

/** True for an IPv6 address that is one on a link only, fe80::/10 (RFC 4291, section 2.5.6); it may have a zone. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/iu.test(address);
}

/** "::", "::1", IPv4 written as IPv6, and multicast, in canonical text. */
const NO_HOST6 = /^(?:::1?$|::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$|ff[0-9a-f]{2}:)/u;

/**
 * True for a canonical address that one machine can have on a network, link-local ones among them: neither "this" network, loopback,
 * multicast nor what is beyond (RFC 6890).
 */
export function isHostAddress(address: string): boolean {
  if (familyOf(address) === 6) return !NO_HOST6.test(address);
  const first = Number(address.split(".", 1)[0]);
  return first > 0 && first !== 127 && first < 224;
}

/** True when it is the IPv4 network's own address or its broadcast address; a network of one or two addresses has none (RFC 3021). */
export function isReserved(value: Cidr): boolean {
  if (value.family === 6 || value.prefix >= 31) return false;
  const { first, last } = span(value);
  return value.address === fromNumber(4, first) || value.address === fromNumber(4, last);
}

function fromNumber(family: Family, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_unused, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  return canonicalAddress(groups.join(":")) ?? groups.join(":");
}
