import { familyOf } from "../../lib/ip.ts";
import { isNicPattern } from "../../model/nic-pattern.ts";
import { SUPERVISORS } from "../../model/supervisor.ts";
import { note, type Draft, type ReadWord } from "./draft.ts";
import {
  readDevice,
  readHost,
  readList,
  readMac,
  readMtu,
  readName,
  readNetwork,
  readNumber,
  readVlan,
  splitFields,
} from "./fields.ts";
import { readHostname, readTimeServer } from "./names.ts";
import { inWord, isRefusal, quote, refuse, refuseUnknown, type Refusal } from "./refusal.ts";

type Lists = "nameservers" | "ntp" | "nics" | "ignored";

/** A word whose list joins those of the words before it. */
function list(field: Lists, read: (part: string) => string | Refusal): ReadWord {
  return (draft, value, word) => {
    const items = readList(value, read);
    if (isRefusal(items)) return items;
    draft[field] = [...new Set([...draft[field], ...items])];
    note(draft, field, word);
    return undefined;
  };
}

/** A word with one value; of several the last one holds. */
function single<F extends "mtu" | "hostname" | "probeTimeout" | "supervisor" | "bootdev">(
  field: F,
  read: (value: string) => NonNullable<Draft[F]> | Refusal,
): ReadWord {
  return (draft, value, word) => {
    const item = read(value);
    if (isRefusal(item)) return item;
    draft[field] = item;
    note(draft, field, word);
    return undefined;
  };
}

function readServer(text: string): string | Refusal {
  return readHost(text);
}

/** `nameserver=` and `netloom.dns=` */
export const addNameservers: ReadWord = list("nameservers", readServer);
export const addTimeServers: ReadWord = list("ntp", readTimeServer);
export const addNics: ReadWord = list("nics", readPattern);
export const addIgnored: ReadWord = list("ignored", readPattern);
/** `noautonic=`: the historic word for a NIC by name that is left alone (COMPAT.md 1.2). */
export const addNoAuto: ReadWord = list("ignored", readName);
export const setMtu: ReadWord = single("mtu", readMtu);
export const setBootdev: ReadWord = single("bootdev", readDevice);
export const setProbeTimeout: ReadWord = single("probeTimeout", (value) =>
  readNumber(value, "number of seconds", 1, 3600),
);
export const setSupervisor: ReadWord = single(
  "supervisor",
  (value) => SUPERVISORS.find((kind) => kind === value) ?? refuseUnknown(value, "supervisor", SUPERVISORS),
);

/** `netloom.hostname=`; it says nothing else, so it has the last word before the host name of an `ip=`. */
export const setHostname: ReadWord = (draft, value, word) => {
  const name = readHostname(value);
  if (isRefusal(name)) return name;
  draft.hostname = name;
  draft.named = true;
  note(draft, "hostname", word);
  return undefined;
};

function readPattern(text: string): string | Refusal {
  if (isNicPattern(text)) return text;
  const [, by, rest] = /^(name|mac|driver|pci|speed)=(.*)$/u.exec(text) ?? [];
  const meant = by === "name" ? rest : `${by}:${rest}`;
  return refuse(
    `${quote(text)} names no NIC: a name, MAC or PCI address, driver:NAME or speed:>=N`,
    by !== undefined && meant !== undefined && isNicPattern(meant) ? meant : undefined,
  );
}

/** `BOOTIF=`: the MAC as PXELINUX writes it, behind the number of its hardware type (01 is Ethernet). */
export const setBootif: ReadWord = (draft, value, word) => {
  const mac = readMac(value.replace(/^01[:-](?=(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$)/iu, ""));
  if (isRefusal(mac)) return mac;
  draft.bootif = mac;
  note(draft, "bootif", word);
  return undefined;
};

/** `rd.route=NETWORK:GATEWAY[:INTERFACE]`; without gateway the network is on the link. */
export const addRoute: ReadWord = (draft, value, word) => {
  const fields = splitFields(value);
  if (isRefusal(fields)) return fields;
  const [toField = "", viaField = "", devField = "", ...more] = fields;
  if (more.length > 0) return refuse("has more fields than NETWORK:GATEWAY:INTERFACE (IPv6 has to stand in brackets)");
  if (toField === "default")
    return refuse(
      "'default' is not a network",
      [viaField.includes(":") ? "[::]/0" : "0.0.0.0/0", ...fields.slice(1)].join(":"),
    );
  const to = readNetwork(toField);
  if (isRefusal(to)) return inWord(to, (valid) => [bracketed(valid), ...fields.slice(1)].join(":"));
  const via = viaField === "" ? undefined : readHost(viaField);
  if (isRefusal(via)) return via;
  if (via !== undefined && familyOf(via) !== familyOf(to))
    return refuse(`the gateway ${via} and the network ${to} are not of one family`);
  const dev = devField === "" ? undefined : readName(devField);
  if (isRefusal(dev)) return dev;
  if (via === undefined && dev === undefined) return refuse("names neither a gateway nor an interface");
  const route = { to, ...(via === undefined ? {} : { via }), ...(dev === undefined ? {} : { dev }) };
  const other = draft.routes.find((known) => known.to === to);
  if (other !== undefined && JSON.stringify(other) !== JSON.stringify(route))
    return refuse(`${to} has another route already`);
  if (other === undefined) draft.routes = [...draft.routes, route];
  note(draft, "routes", word);
  return undefined;
};

function bracketed(network: string): string {
  return network.includes(":") ? `[${network}]` : network;
}

const UNTAGGED = new Set(["none", "untagged", "un"]);

/** `vlan:priv=` and `vlan:pub=` of Zero-OS (COMPAT.md 1.2). */
export function setZosVlan(field: "vlanPriv" | "vlanPub"): ReadWord {
  return (draft, value, word) => {
    const id = UNTAGGED.has(value) ? "none" : readVlan(value);
    if (isRefusal(id)) return id;
    draft.zos = { ...draft.zos, [field]: id };
    note(draft, `zos.${field}`, word);
    return undefined;
  };
}

const PUBLIC_MACS = ["random", "swap"] as const;

export const setPubMac: ReadWord = (draft, value, word) => {
  const pubMac = PUBLIC_MACS.find((known) => known === value);
  if (pubMac === undefined) return refuseUnknown(value, "way to make a MAC", PUBLIC_MACS);
  draft.zos = { ...draft.zos, pubMac };
  note(draft, "zos.pubMac", word);
  return undefined;
};

/** True and false as dracut writes them. */
function readSwitch(value: string): boolean | Refusal {
  if (["0", "no", "off"].includes(value)) return false;
  return ["1", "yes", "on"].includes(value) ? true : refuse(`${quote(value)} is neither 0 nor 1`, "0");
}

/** `rd.peerdns=0`: the name servers of leases are not used. */
export const setPeerDns: ReadWord = (draft, value, word) => {
  const on = readSwitch(value);
  if (isRefusal(on)) return on;
  draft.peerDns = on;
  note(draft, "peerDns", word);
  return undefined;
};

/** `rd.bootif=0`: what the firmware booted by is not preferred. */
export const setUsesBootif: ReadWord = (draft, value, word) => {
  const on = readSwitch(value);
  if (isRefusal(on)) return on;
  draft.usesBootif = on;
  note(draft, "bootif", word);
  return undefined;
};
