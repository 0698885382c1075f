import {
  canonicalAddress,
  familyOf,
  formatCidr,
  isHostAddress,
  isLinkLocal,
  networkOf,
  parseCidr,
  type Cidr,
  type Family,
} from "../lib/ip.ts";
import type { Lease6Fact, LeaseFact } from "../model/facts.ts";

/** Seconds that a DHCPv6 lease lasts after its NIC got carrier again, unless it is reported once more: it may be another network's. */
const DOUBT_SECONDS = 15;
/** More of a kind than any network has: what is beyond is left out. */
const LIST_MAX = 16;
/** More than one option 121 has room for (RFC 3442): the default route may be the last one. */
const ROUTES_MAX = 64;

/**
 * Parses what `plan/dhcp-client.ts` has udhcpc report. Leases are strangers' words: anything that is not exactly what the script
 * writes is no lease, and addresses or names that can be none are left out.
 */
export function parseLease4(nic: string, text: string): LeaseFact | undefined {
  const fields = parseFields(text);
  const address = parseCidr(`${fields?.get("ip") ?? ""}/${fields?.get("prefix") ?? ""}`);
  const [obtainedAt, expiresAt] = [seconds(fields?.get("obtained")), seconds(fields?.get("expires"))];
  if (fields === undefined || address?.family !== 4 || address.prefix === 0 || !isHost(address.address))
    return undefined;
  if (obtainedAt === undefined || expiresAt === undefined || expiresAt <= obtainedAt) return undefined;
  // RFC 3442: who gets classless routes ignores the router option.
  const classless = routes(fields.get("routes"));
  const routers =
    classless.length === 0 ? serverAddresses(4, words(fields.get("router"))) : classless.flatMap(defaultRouter);
  const others = classless.filter(({ to }) => to !== DEFAULT4);
  const [router] = routers;
  const [server] = serverAddresses(4, words(fields.get("server")));
  const [named] = domainNames(words(fields.get("hostname")));
  // The kernel would cut it anywhere, and it would be another one than was wished for.
  const hostname = named !== undefined && named.length > HOSTNAME_MAX ? named.split(".", 1)[0] : named;
  const search = domainNames(words(fields.get("search")));
  const mtu = seconds(fields.get("mtu"));
  return {
    nic,
    address: formatCidr(address),
    ...(router === undefined ? {} : { router }),
    ...(others.length === 0 ? {} : { routes: others }),
    ...(server === undefined ? {} : { server }),
    dns: serverAddresses(4, words(fields.get("dns"))),
    ntp: serverAddresses(4, words(fields.get("ntp"))),
    search: search.length > 0 ? search : domainNames(words(fields.get("domain"))),
    ...(hostname === undefined ? {} : { hostname }),
    ...(mtu === undefined || mtu < MTU_LEAST || mtu > MTU_MOST ? {} : { mtu }),
    ...carrierUps(fields),
    obtainedAt,
    expiresAt,
  };
}

/** The same for what `plan/dhcp6-client.ts` has dhcpcd report. It is a lease also without addresses: servers' addresses alone (RFC 8415, 6.1). */
export function parseLease6(nic: string, text: string): Lease6Fact | undefined {
  const fields = parseFields(text);
  const obtainedAt = seconds(fields?.get("obtained"));
  if (fields === undefined || obtainedAt === undefined) return undefined;
  const doubted = seconds(fields.get("doubted"));
  const latest = doubted === undefined ? Infinity : doubted + DOUBT_SECONDS;
  const server = fields.get("server") ?? "";
  return {
    nic,
    addresses: timed(fields.get("addresses"), latest).flatMap(({ what, ...times }) =>
      isHost(what.address) ? [{ address: formatCidr(what), ...times }] : [],
    ),
    prefixes: timed(fields.get("prefixes"), latest).flatMap(({ what, ...times }) =>
      isHost(what.address) && what.prefix <= 64 ? [{ prefix: formatCidr(networkOf(what)), ...times }] : [],
    ),
    ...(/^(?:[0-9a-f]{2}){1,130}$/u.test(server) ? { server } : {}),
    dns: serverAddresses(6, words(fields.get("dns"))),
    ntp: serverAddresses(6, words(fields.get("ntp"))),
    search: domainNames(words(fields.get("search"))),
    ...carrierUps(fields),
    obtainedAt,
    ...(doubted === undefined ? {} : { doubtedUntil: latest }),
  };
}

const DEFAULT4 = "0.0.0.0/0";
/** The least that IPv4 asks of every host (RFC 2132, 5.1), and the most that Ethernet drivers take. */
const MTU_LEAST = 576;
const MTU_MOST = 65_535;
/** __NEW_UTS_LEN of include/uapi/linux/utsname.h. */
const HOSTNAME_MAX = 64;

/** `key=value` lines, each key once, the last one ended; undefined when it is anything else. */
function parseFields(text: string): ReadonlyMap<string, string> | undefined {
  if (!/^(?:[a-z0-9]+=[^\n\0]*\n)+$/u.test(text)) return undefined;
  const lines = text.split("\n").slice(0, -1);
  const fields = new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  return fields.size === lines.length ? fields : undefined;
}

function seconds(text: string | undefined): number | undefined {
  return /^\d{1,12}$/u.test(text ?? "") ? Number(text) : undefined;
}

function words(text: string | undefined): readonly string[] {
  return (text ?? "").split(" ").filter((word) => word !== "");
}

/** Addresses of one family that a server or router can have, each once. */
export function serverAddresses(family: Family, texts: readonly string[]): readonly string[] {
  const found = texts.flatMap((text) => canonicalAddress(text) ?? []);
  return [...new Set(found.filter((one) => familyOf(one) === family && isServer(one)))].slice(0, LIST_MAX);
}

/** Domain names (RFC 1123), each once, a dot at the end left out. */
export function domainNames(texts: readonly string[]): readonly string[] {
  const found = texts.map((text) => text.replace(/\.$/u, ""));
  return [...new Set(found.filter((name) => NAME.test(name)))].slice(0, LIST_MAX);
}

const NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/u;

/** udhcpc's words for option 121: network and router in turns, router 0.0.0.0 for a network on the link. */
function routes(text: string | undefined): NonNullable<LeaseFact["routes"]> {
  const all = words(text);
  return Array.from({ length: Math.min(ROUTES_MAX, Math.floor(all.length / 2)) }, (_unused, at) => {
    const network = parseCidr(all[2 * at] ?? "");
    const via = canonicalAddress(all[2 * at + 1] ?? "");
    if (network?.family !== 4 || via === undefined || familyOf(via) !== 4) return [];
    if (via === "0.0.0.0") return [{ to: formatCidr(networkOf(network)) }];
    return isHost(via) ? [{ to: formatCidr(networkOf(network)), via }] : [];
  }).flat();
}

function defaultRouter({ to, via }: { readonly to: string; readonly via?: string }): readonly string[] {
  return to === DEFAULT4 && via !== undefined ? [via] : [];
}

/** "2001:db8::17/128,PREFERRED,VALID", times in seconds since the kernel started; `latest` is when all of them end at the latest. */
function timed(
  text: string | undefined,
  latest: number,
): readonly { readonly what: Cidr; readonly preferredUntil: number; readonly validUntil: number }[] {
  return words(text)
    .slice(0, LIST_MAX)
    .flatMap((word) => {
      const [network = "", preferred, valid] = word.split(",");
      const what = parseCidr(network);
      const [preferredUntil, validUntil] = [seconds(preferred), seconds(valid)];
      if (what?.family !== 6 || preferredUntil === undefined || validUntil === undefined) return [];
      const until = Math.min(validUntil, latest);
      return [{ what, preferredUntil: Math.min(preferredUntil, until), validUntil: until }];
    });
}

function carrierUps(fields: ReadonlyMap<string, string>): { readonly carrierUps?: number } {
  const count = seconds(fields.get("carrier"));
  return count === undefined ? {} : { carrierUps: count };
}

/** What a server gives to a host; a link-local address is one's own to make (RFC 4862). */
function isHost(address: string): boolean {
  return isHostAddress(address) && !isLinkLocal(address);
}

/** A server may have a link-local address (RFC 8106, 5.1). */
function isServer(address: string): boolean {
  return isHostAddress(address);
}
