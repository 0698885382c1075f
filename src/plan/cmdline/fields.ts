import {
  canonicalAddress,
  contains,
  familyOf,
  formatCidr,
  isHostAddress,
  isReserved,
  networkOf,
  parseCidr,
  type Cidr,
} from "../../lib/ip.ts";
import { MTU_LEAST, MTU_MOST } from "../../model/fields.ts";
import { isRefusal, quote, refuse, type Refusal } from "./refusal.ts";

const MAC = /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?=[:,;]|$)/iy;

/**
 * The fields of a value between colons. An IPv6 address in brackets is one field, and so are the six pairs of a MAC, at the
 * beginning of a field or after "=".
 */
export function splitFields(value: string): readonly string[] | Refusal {
  const fields: string[] = [];
  let start = 0;
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === "[") {
      const end = value.indexOf("]", at);
      if (end === -1) return refuse("a bracket is not closed", `${value}]`);
      at = end;
    } else if (char === ":") {
      fields.push(value.slice(start, at));
      start = at + 1;
    } else if (at === start || value.charAt(at - 1) === "=") {
      MAC.lastIndex = at;
      if (MAC.test(value)) at = MAC.lastIndex - 1;
    }
  }
  return [...fields, value.slice(start)];
}

/** "[fd00::1]/64" and "[fd00::1/64]" as "fd00::1/64". */
function withoutBrackets(field: string): string {
  const [, inner, rest] = /^\[([^\]]*)\](.*)$/u.exec(field) ?? [];
  return inner === undefined ? field : `${inner}${rest ?? ""}`;
}

/** True when a field is meant to be an address, whether it is one or not. */
export function looksLikeAddress(field: string): boolean {
  return field.startsWith("[") || /^[\d.]*\.[\d./]*$/u.test(field) || canonicalAddress(field) !== undefined;
}

/** An address without prefix length, in canonical text. */
export function readAddress(field: string): string | Refusal {
  return canonicalAddress(withoutBrackets(field)) ?? refuse(`${quote(field)} is not an IP address`);
}

/** An address that one machine can have. */
export function readHost(field: string): string | Refusal {
  const address = readAddress(field);
  return isRefusal(address) || isHostAddress(address) ? address : refuse(`${quote(field)} is no address of a machine`);
}

/** An address of a machine with its prefix length, which may stand with it or be a mask beside it. */
export function readHostCidr(field: string, mask: string): Cidr | Refusal {
  const [text = "", length] = withoutBrackets(field).split("/", 2);
  const address = readHost(text);
  if (isRefusal(address)) return refuse(`${quote(field)} is not an IP address of a machine`);
  const family = familyOf(address);
  const own = length === undefined || length === "" ? undefined : readMask(length, family);
  const beside = mask === "" ? undefined : readMask(mask, family);
  if (isRefusal(own)) return own;
  if (isRefusal(beside)) return beside;
  if (own !== undefined && beside !== undefined && own !== beside)
    return refuse(`${quote(field)} has another prefix length than the mask ${mask}`);
  const result: Cidr = { family, address, prefix: own ?? beside ?? (family === 4 ? classful(address) : 64) };
  return isReserved(result)
    ? refuse(`${address} is the network ${formatCidr(networkOf(result))} itself, or its broadcast address`)
    : result;
}

/** Prefix length of class A, B and C, which the kernel takes when no mask is given (nfsroot). */
function classful(address: string): number {
  const first = Number(address.split(".", 1)[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/** A prefix length: a number, or for IPv4 a dotted mask. Zero is none. */
export function readMask(text: string, family: 4 | 6): number | Refusal {
  const most = family === 4 ? 32 : 128;
  if (/^\d{1,3}$/u.test(text)) {
    const length = Number(text);
    return length >= 1 && length <= most ? length : refuse(`the prefix length ${text} is not from 1 to ${most}`);
  }
  const mask = family === 4 ? canonicalAddress(text) : undefined;
  if (mask === undefined) return refuse(`${quote(text)} is no ${family === 4 ? "netmask" : "prefix length"}`);
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1+0*$/u.test(bits) ? bits.lastIndexOf("1") + 1 : refuse(`the netmask ${text} has a hole in it, or is empty`);
}

/** A network in canonical text; without length it is one address. The host bits have to be clear. */
export function readNetwork(field: string): string | Refusal {
  const [text = "", length] = withoutBrackets(field).split("/", 2);
  const address = readAddress(text);
  if (isRefusal(address)) return refuse(`${quote(field)} is not a network`);
  const family = familyOf(address);
  const full = family === 4 ? 32 : 128;
  const prefix = length === undefined ? full : length === "0" ? 0 : readMask(length, family);
  if (isRefusal(prefix)) return prefix;
  const network: Cidr = { family, address, prefix };
  const first = formatCidr(networkOf(network));
  return first === formatCidr(network) ? first : refuse(`${quote(field)} has bits set beyond its prefix length`, first);
}

/** True when the address is in the network of another one. */
export function isNear(address: string, networks: readonly string[]): boolean {
  const alone: Cidr = { family: familyOf(address), address, prefix: familyOf(address) === 4 ? 32 : 128 };
  return networks.some((text) => {
    const network = parseCidr(text);
    return network !== undefined && contains(networkOf(network), alone);
  });
}

/** A MAC with colons or hyphens, in lower case with colons. */
export function readMac(text: string): string | Refusal {
  const pairs = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/iu.test(text)
    ? text.toLowerCase().split(/[:-]/u)
    : [];
  if (pairs.length !== 6) return refuse(`${quote(text)} is not a MAC address`);
  const mac = pairs.join(":");
  if (mac === "00:00:00:00:00:00" || Number.parseInt(mac.slice(0, 2), 16) % 2 === 1)
    return refuse(`${mac} is no MAC address of one NIC`);
  return mac;
}

/** Names that stand for something else below /proc/sys/net, or are the kernel's own. */
const RESERVED = new Set(["lo", "all", "default", "bonding_masters"]);
/** Names that every object has something under, so that they cannot be keys. */
const NO_KEYS = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Name of an interface that is there already, or one that a word makes. */
export function readName(text: string): string | Refusal {
  if (!/^(?!\.{1,2}$)[^\s/:,;[\]"*?%\p{Cc}]{1,15}$/u.test(text))
    return refuse(`${quote(text)} is not an interface name: 1 to 15 characters without / : , and spaces`);
  if (NO_KEYS.has(text)) return refuse(`${text} is a name that Netloom cannot use: give the interface another one`);
  return RESERVED.has(text) ? refuse(`${text} is a name that the kernel uses itself`) : text;
}

/** A NIC by name or MAC. */
export function readDevice(text: string): string | Refusal {
  const mac = readMac(text);
  return isRefusal(mac) ? readName(text) : mac;
}

/** A whole number in decimal digits. */
export function readNumber(text: string, what: string, least: number, most: number): number | Refusal {
  if (!/^\d{1,10}$/u.test(text)) return refuse(`${quote(text)} is no ${what}: a number from ${least} to ${most}`);
  const number = Number(text);
  if (number >= least && number <= most) return number;
  return refuse(`${what} ${number} is not from ${least} to ${most}`, String(number < least ? least : most));
}

/** Bytes of a packet. */
export function readMtu(text: string): number | Refusal {
  return readNumber(text, "MTU", MTU_LEAST, MTU_MOST);
}

/** A VLAN of IEEE 802.1Q; 0 and 4095 have a meaning of their own there. */
export function readVlan(text: string): number | Refusal {
  return readNumber(text, "VLAN", 1, 4094);
}

/** All parts of a list between commas, or the first refusal. */
export function readList<T>(text: string, read: (part: string) => T | Refusal): readonly T[] | Refusal {
  const found: T[] = [];
  for (const part of text.split(",")) {
    const item = read(part);
    if (isRefusal(item)) return inList(item, text, part);
    found.push(item);
  }
  return found;
}

function inList(refusal: Refusal, list: string, part: string): Refusal {
  if (refusal.nearest === undefined) return refusal;
  const meant = refusal.nearest;
  return refuse(
    refusal.refused,
    list
      .split(",")
      .map((other) => (other === part ? meant : other))
      .join(","),
  );
}
