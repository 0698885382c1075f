import * as v from "valibot";
import { API_VERSION } from "./document.ts";
import { NAME_MAX } from "../lib/ifname.ts";
import { isNicPattern } from "./nic-pattern.ts";
import {
  canonicalAddress,
  cidr,
  contains,
  familyOf,
  formatCidr,
  isHostAddress,
  isReserved,
  networkOf,
  parseCidr,
} from "../lib/ip.ts";

/** `apiVersion` of every document. */
export const ApiVersion: v.GenericSchema<unknown, typeof API_VERSION> = v.literal(
  API_VERSION,
  `is not ${API_VERSION}, the only version this program knows`,
);

/** A list of items, told apart from a lone one. */
export function list<T extends v.GenericSchema>(item: T): v.ArraySchema<T, string> {
  return v.array(item, "is no list");
}

/**
 * A document name. It becomes a file, interfaces (`w-` + name, at most 15 characters) and service names,
 * so one character set holds for all of them.
 */
export const Name: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]*$/u,
    "may hold letters, digits, '-' and '_' only, and begins with a letter or digit",
  ),
  v.maxLength(NAME_MAX, `is longer than ${NAME_MAX} characters (it becomes part of interface names)`),
);

/** A network in canonical text, host bits cleared by rule: "10.1.3.0/24". */
export const Network: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.check((text) => parseCidr(text) !== undefined, "is not a network such as 10.1.3.0/24 or fd00:1::/64"),
  v.check((text) => {
    const parsed = parseCidr(text);
    return parsed === undefined || networkOf(parsed).address === parsed.address;
  }, "has bits set beyond its prefix length: give the network's first address"),
  v.transform((text) => {
    const parsed = parseCidr(text);
    return parsed === undefined ? text : formatCidr(parsed);
  }),
);

/** An IPv4 network. */
export const Network4: v.GenericSchema<string, string> = v.pipe(
  Network,
  v.check((text) => familyOf(text) === 4, "has to be IPv4"),
);

const PRIVATE4 = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((text) => cidr(text));

/** An IPv4 network inside private address space (RFC 1918). */
export const PrivateNetwork: v.GenericSchema<string, string> = v.pipe(
  Network4,
  v.check((text) => {
    const parsed = parseCidr(text);
    return parsed !== undefined && PRIVATE4.some((block) => contains(block, parsed));
  }, "is not in private address space: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)"),
);

/** An IPv6 network. */
export const Network6: v.GenericSchema<string, string> = v.pipe(
  Network,
  v.check((text) => familyOf(text) === 6, "has to be IPv6"),
);

/** An address in canonical text. */
export const Address: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.check((text) => canonicalAddress(text) !== undefined, "is not an IP address"),
  v.transform((text) => canonicalAddress(text) ?? text),
);

/** An IPv4 address. */
export const Address4: v.GenericSchema<string, string> = v.pipe(
  Address,
  v.check((text) => familyOf(text) === 4, "has to be an IPv4 address"),
);

/** An address with its prefix length, in canonical text: "192.168.50.9/24". */
export const InterfaceAddress: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.check((text) => parseCidr(text) !== undefined, "is not an address with its prefix length, such as 192.168.50.9/24"),
  v.transform((text) => formatCidr(cidr(text))),
);

/** An address with prefix length that a document gives to this node. */
export const OwnAddress: v.GenericSchema<string, string> = v.pipe(
  InterfaceAddress,
  v.check((text) => {
    const { address, prefix } = cidr(text);
    return prefix > 0 && isHostAddress(address);
  }, "is no address that a machine can have"),
  v.check((text) => !isReserved(cidr(text)), "is the address of the network itself, or its broadcast address"),
);

/** An address of another machine, such as a router. */
export const HostAddress: v.GenericSchema<string, string> = v.pipe(
  Address,
  v.check(isHostAddress, "is no address that a machine can have"),
);

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): v.GenericSchema<number, number> {
  return v.pipe(
    v.number("is no number"),
    v.integer("is no whole number"),
    v.minValue(least, `is below ${least}`),
    v.maxValue(most, `is above ${most}`),
  );
}

/** A UDP or TCP port. */
export const Port: v.GenericSchema<number, number> = wholeNumber(1, 65_535);

/** A VLAN of IEEE 802.1Q, where 0 and 4095 have a meaning of their own; "none" is no tag, whatever a flag says. */
export const VlanTag: v.GenericSchema<number | "none", number | "none"> = v.union(
  [wholeNumber(1, 4094), v.literal("none")],
  "is neither a VLAN from 1 to 4094 nor none",
);

/** Bytes of a packet: with less the kernel takes IPv6 from a link and its parameters away (RFC 8200, section 5). */
export const MTU_LEAST = 1280;
/** The most of the kernel (ETH_MAX_MTU). */
export const MTU_MOST = 65_535;

/** Bytes of a packet. */
export const Mtu: v.GenericSchema<number, number> = wholeNumber(MTU_LEAST, MTU_MOST);

/** Where a connectivity check goes: "tcp://192.0.2.1:443", "icmp://192.0.2.1". */
export const CheckTarget: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.check((text) => {
    const address = text.startsWith("tcp://")
      ? parseEndpoint(text.slice("tcp://".length))?.address
      : canonicalAddress(text.startsWith("icmp://") ? text.slice("icmp://".length) : "");
    return address !== undefined && isHostAddress(address);
  }, "is neither tcp://ADDRESS:PORT (IPv6 in brackets) nor icmp://ADDRESS of a machine; names are not looked up"),
);

/** An open port or range of ports: "tcp/22", "udp/8000-8010". */
export const OpenPort: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.check((text) => {
    const [, first = "0", last = first] = /^(?:tcp|udp)\/([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/u.exec(text) ?? [];
    return Number(first) >= 1 && Number(first) <= Number(last) && Number(last) <= 65_535;
  }, "is no open port such as tcp/22 or udp/8000-8010"),
);

/** A 32-byte WireGuard key in base64 (44 characters). */
export const WireguardKey: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/u, "is not a WireGuard key: 32 bytes in base64, 44 characters"),
);

/** "address:port", IPv6 in brackets; names are refused, because an endpoint is resolved once only. */
export const Endpoint: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.check(
    (text) => parseEndpoint(text) !== undefined,
    "is not address:port (IPv6 in brackets; host names are not resolved)",
  ),
  v.transform((text) => {
    const parsed = parseEndpoint(text);
    return parsed === undefined ? text : formatEndpoint(parsed.address, parsed.port);
  }),
);

/** "address:port" of canonical parts; IPv6 in brackets. */
export function formatEndpoint(address: string, port: number): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

function parseEndpoint(text: string): { address: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([1-9]\d{0,4})$/u.exec(text);
  const address = canonicalAddress(match?.[1] ?? match?.[2] ?? "");
  const port = Number(match?.[3]);
  if (address === undefined || port > 65_535 || (match?.[1] !== undefined) !== (familyOf(address) === 6))
    return undefined;
  return { address, port };
}

/** What names NICs: see `matchesNic`. */
export const NicPattern: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.check(
    isNicPattern,
    "names no NIC: an interface name or a pattern with * and ?, a MAC or PCI address, driver:NAME or speed:>=N",
  ),
);

/** A DNS host name of one or more labels (RFC 1123). What is a mistyped IPv4 address is none, though it has the letters of one. */
export const Hostname: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.regex(
    /^(?=.{1,64}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/u,
    "is not a host name: letters, digits and '-', in parts with dots between, 64 characters at most",
  ),
  v.regex(/^(?!.*\.\d+$)/u, "is not a host name: the last of several parts is no number"),
);

/** How a member of a LAN is called: what runtimes call containers. */
export const MemberName: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/u,
    "may hold letters, digits, '-', '_' and '.' only, begins with a letter or digit, and has at most 128",
  ),
);

/** The name of a namespace under /run/netns; ip-netns(8) takes any file name. */
export const NetnsName: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.regex(/^(?!\.{1,2}$)[^/\s\0]{1,255}$/u, "is not the name of a namespace under /run/netns"),
);

/** The name of a network interface (dev_valid_name in net/core/dev.c). */
export const LinkName: v.GenericSchema<string, string> = v.pipe(
  v.string("is no text: quote it"),
  v.regex(/^(?!\.{1,2}$)[^\s/:]{1,15}$/u, "is not an interface name: 1 to 15 characters without '/', ':' and spaces"),
);

/** Names that the kernel gives a meaning of their own, in /proc/sys/net or /sys/class/net. */
const KERNEL_NAMES = new Set(["lo", "all", "default", "bonding_masters"]);

/** The name of a link that is made: what shells, files and services can be given, and no "%", with which the kernel would choose. */
export const NewLinkName: v.GenericSchema<string, string> = v.pipe(
  LinkName,
  v.check((text) => !KERNEL_NAMES.has(text), "is a name that the kernel uses itself"),
  v.regex(/^[A-Za-z0-9._@-]*$/u, "may hold letters, digits and . _ @ - only"),
);
