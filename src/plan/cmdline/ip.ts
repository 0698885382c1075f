import { familyOf, formatCidr, type Cidr } from "../../lib/ip.ts";
import { nearest } from "../../lib/nearest.ts";
import {
  isNear,
  looksLikeAddress,
  readAddress,
  readDevice,
  readHost,
  readHostCidr,
  readMac,
  readMtu,
  readNumber,
  splitFields,
} from "./fields.ts";
import { isRefusal, quote, refuse, type Refusal } from "./refusal.ts";
import { readHostname, readTimeServer } from "./names.ts";

/** How an interface gets addresses by itself. */
interface Auto {
  readonly dhcp4: boolean;
  readonly dhcp6: boolean;
  readonly auto6: boolean;
}

/** One `ip=` word. */
export interface IpWord extends Auto {
  /** Name or MAC; "*" for every candidate. */
  readonly device: string;
  readonly address?: string;
  readonly gateway?: string;
  readonly peers: readonly string[];
  readonly hostname?: string;
  readonly clientId?: string;
  readonly mtu?: number;
  readonly mac?: string;
  readonly dns: readonly string[];
  readonly ntp?: string;
}

const NOTHING: Auto = { dhcp4: false, dhcp6: false, auto6: false };
const DHCP4: Auto = { ...NOTHING, dhcp4: true };

/** The words for it of dracut.cmdline(7), and those of the kernel's nfsroot page and NetworkManager that mean one of them. */
const AUTO: ReadonlyMap<string, Auto> = new Map(
  Object.entries({
    none: NOTHING,
    off: NOTHING,
    dhcp: DHCP4,
    dhcp4: DHCP4,
    "single-dhcp": DHCP4,
    on: { dhcp4: true, dhcp6: true, auto6: true },
    any: { dhcp4: true, dhcp6: true, auto6: true },
    dhcp6: { ...NOTHING, dhcp6: true },
    auto6: { ...NOTHING, auto6: true },
    either6: { ...NOTHING, auto6: true, dhcp6: true },
    link6: NOTHING,
    "link-local": NOTHING,
  }),
);
const KNOWN: readonly string[] = [...AUTO.keys()];

/** Known elsewhere and not done here. */
const UNSUPPORTED = new Set(["bootp", "rarp", "both", "ibft"]);

/**
 * The value of an `ip=` word: `AUTO`, `DEVICE:AUTO[:TAIL]` or `ADDRESS:PEER:GATEWAY:MASK:HOSTNAME:DEVICE:AUTO[:TAIL]`, where the
 * tail is MTU and MAC or name servers and a time server. What docs/kernel-flags.md says about dialects is decided here.
 */
export function readIp(value: string): IpWord | Refusal {
  const fields = splitFields(value);
  if (isRefusal(fields)) return fields;
  const [first = ""] = fields;
  if (fields.length === 1) return readSingle(first);
  if (first === "" || looksLikeAddress(first)) return readLong(fields);
  if (/^[0-9a-f]{1,4}$/iu.test(first) && /^[0-9a-f]{0,4}$/iu.test(fields[1] ?? "") && fields.length > 2)
    return refuse("an IPv6 address has to stand in brackets: [fd00::1]");
  const device = readDevice(first);
  if (isRefusal(device)) return first.split(",").every((word) => AUTO.has(word)) ? swapped(fields) : device;
  if (AUTO.has(first)) return swapped(fields);
  const auto = readAuto(fields[1] ?? "", DHCP4);
  if (isRefusal(auto)) return placed(auto, fields, 1);
  const tail = readTail(fields.slice(2));
  return isRefusal(tail) ? tail : { device, peers: [], ...auto, ...tail };
}

/** "dhcp:eth0": the right words in the wrong order. */
function swapped([first = "", second = ""]: readonly string[]): Refusal {
  const device = isRefusal(readDevice(second)) ? "eth0" : second;
  return refuse(`${quote(first)} stands where the interface has to be named`, `${device}:${first}`);
}

function readSingle(field: string): IpWord | Refusal {
  if (field === "") return refuse("says nothing", "dhcp");
  if (looksLikeAddress(field)) return readLong([field]);
  const auto = readAuto(field, DHCP4);
  if (!isRefusal(auto)) return { device: "*", peers: [], dns: [], ...auto };
  // "eth0" alone, rather than a word that was mistyped.
  const device = readDevice(field);
  const named = !isRefusal(device) && !UNSUPPORTED.has(field) && (auto.nearest === undefined || /\d$/u.test(field));
  return named ? refuse(`${quote(field)} names an interface, and not what to do with it`, `${field}:dhcp`) : auto;
}

function readLong(fields: readonly string[]): IpWord | Refusal {
  const [client = "", peer = "", gateway = "", mask = "", name = "", deviceField = "", autoField = ""] = fields;
  const address = client === "" ? undefined : readHostCidr(client, mask);
  if (isRefusal(address)) return address;
  const device = deviceField === "" ? "*" : readDevice(deviceField);
  if (isRefusal(device)) return device;
  const auto = readAuto(autoField, address === undefined ? DHCP4 : NOTHING);
  if (isRefusal(auto)) return placed(auto, fields, 6);
  if (address !== undefined && (address.family === 4 ? auto.dhcp4 : auto.dhcp6))
    return placed(
      refuse(`${quote(autoField)} gets an address by DHCP and cannot be told one (${client})`, "none"),
      fields,
      6,
    );
  const hostname = name === "" ? undefined : readHostname(name);
  if (isRefusal(hostname)) return hostname;
  const routed = readRouters(address, peer, gateway);
  if (isRefusal(routed)) return routed;
  const tail = readTail(fields.slice(7));
  if (isRefusal(tail)) return tail;
  return {
    device,
    ...auto,
    ...(address === undefined ? {} : { address: formatCidr(address) }),
    ...routed,
    ...(hostname === undefined ? {} : { hostname }),
    ...tail,
  };
}

/**
 * The other end (dracut) or the boot server (nfsroot), and the default router. Either may lie outside of the network: then it is
 * on the link, but for a boot server that is reached by the router.
 */
function readRouters(
  address: Cidr | undefined,
  peerField: string,
  gatewayField: string,
): Pick<IpWord, "gateway" | "peers"> | Refusal {
  const peer = peerField === "" ? undefined : readHost(peerField.replace(/\/\d+$/u, ""));
  if (isRefusal(peer)) return peer;
  const gateway = gatewayField === "" ? undefined : readHost(gatewayField);
  if (isRefusal(gateway)) return gateway;
  if (address === undefined)
    return gateway === undefined ? { peers: [] } : refuse("a gateway needs an address of its family");
  if (gateway !== undefined && familyOf(gateway) !== address.family)
    return refuse(`the gateway ${gateway} and the address ${address.address} are not of one family`);
  const self = [gateway, peer].find((one) => one === address.address);
  if (self !== undefined) return refuse(`${self} is the address itself, and no other machine`);
  const near = (text: string): boolean => isNear(text, [formatCidr(address), "fe80::/10"]);
  const other = gateway ?? peer;
  const outside = other !== undefined && familyOf(other) === address.family && !near(other);
  return { ...(gateway === undefined ? {} : { gateway }), peers: outside ? [other] : [] };
}

function readAuto(field: string, otherwise: Auto): (Auto & Pick<IpWord, "clientId">) | Refusal {
  if (field === "") return otherwise;
  const words = field.split(",");
  if (words[0] === "dhcp" && /^\d+$/u.test(words[1] ?? "")) return readClientId(words);
  for (const word of words) {
    if (UNSUPPORTED.has(word)) return refuse(`${word} is not supported`, "dhcp");
    if (AUTO.has(word)) continue;
    const meant = nearest(word, KNOWN);
    const all = meant === undefined ? undefined : words.map((other) => (other === word ? meant : other)).join(",");
    return refuse(`${quote(word)} is no way to get an address (${KNOWN.join(", ")})`, all);
  }
  if (words.length > 1 && words.some((word) => AUTO.get(word) === NOTHING))
    return refuse(`${quote(field)} contradicts itself`, words.find((word) => AUTO.get(word) !== NOTHING) ?? "none");
  const all = words.map((word) => AUTO.get(word) ?? NOTHING);
  return {
    dhcp4: all.some(({ dhcp4 }) => dhcp4),
    dhcp6: all.some(({ dhcp6 }) => dhcp6),
    auto6: all.some(({ auto6 }) => auto6),
  };
}

/** `dhcp,TYPE,VALUE` of the kernel: the client identifier's type, and its bytes as text. */
function readClientId([, typeText = "", ...rest]: readonly string[]): (Auto & Pick<IpWord, "clientId">) | Refusal {
  const type = readNumber(typeText, "type of a DHCP client identifier", 0, 255);
  if (isRefusal(type)) return type;
  const value = rest.join(",");
  const bytes = [...new TextEncoder().encode(value)];
  if (bytes.length === 0 || bytes.length > 252)
    return refuse("a DHCP client identifier has 1 to 252 characters: dhcp,TYPE,TEXT");
  return { ...DHCP4, clientId: [type, ...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":") };
}

type Tail = Pick<IpWord, "mtu" | "mac" | "dns" | "ntp">;

function readTail(fields: readonly string[]): Tail | Refusal {
  if (fields.some(looksLikeAddress)) return readServers(fields);
  const [mtuField = "", macField = "", ...more] = fields;
  if (more.some((field) => field !== "")) return refuse("has more fields than there are: MTU and MAC are the last");
  const mtu = mtuField === "" ? undefined : readMtu(mtuField);
  if (isRefusal(mtu)) return mtu;
  const mac = macField === "" ? undefined : readMac(macField);
  if (isRefusal(mac)) return mac;
  return { dns: [], ...(mtu === undefined ? {} : { mtu }), ...(mac === undefined ? {} : { mac }) };
}

function readServers([dns1 = "", dns2 = "", ntpField = "", ...more]: readonly string[]): Tail | Refusal {
  if (more.some((field) => field !== ""))
    return refuse("has more fields than there are: two name servers and a time server are the last");
  const dns: string[] = [];
  for (const field of [dns1, dns2].filter((text) => text !== "")) {
    const server = readAddress(field);
    if (isRefusal(server)) return server;
    dns.push(server);
  }
  const ntp = ntpField === "" ? undefined : readTimeServer(ntpField);
  if (isRefusal(ntp)) return ntp;
  return { dns, ...(ntp === undefined ? {} : { ntp }) };
}

/** A refused field, with the whole value as it could be. */
function placed(refusal: Refusal, fields: readonly string[], at: number): Refusal {
  if (refusal.nearest === undefined) return refusal;
  const padded = Array.from({ length: Math.max(fields.length, at + 1) }, (_unused, index) => fields[index] ?? "");
  return refuse(refusal.refused, padded.with(at, refusal.nearest).join(":"));
}
