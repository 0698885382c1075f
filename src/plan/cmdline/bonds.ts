import { canonicalAddress, familyOf } from "../../lib/ip.ts";
import { BOND_MIIMON, BOND_MODES, BOND_OPTIONS, type BondOption } from "../bond-options.ts";
import { readMac, readNumber } from "./fields.ts";
import { isRefusal, quote, refuse, refuseUnknown, type Refusal } from "./refusal.ts";

interface BondFlags {
  readonly mode: string;
  readonly options: Readonly<Record<string, string>>;
}

const NAMES: readonly string[] = ["mode", ...BOND_OPTIONS.map(({ name }) => name)];

/** `mode=active-backup,miimon=100,…` in the words or numbers of modinfo(8) bonding; several targets have `;` between them. */
export function readBondOptions(text: string, members: readonly string[]): BondFlags | Refusal {
  let mode = "balance-rr";
  const options: Record<string, string> = {};
  for (const part of text === "" ? [] : text.split(",")) {
    const [name = "", value = ""] = split(part);
    const read = name === "mode" ? readMode(value) : readOption(name, value, members);
    if (isRefusal(read)) return inOptions(read, text, part);
    if (name === "mode") mode = read;
    else options[name] = read;
  }
  return refuseTogether(mode, options) ?? refuseSteps(options, text) ?? { mode, options };
}

function split(part: string): readonly string[] {
  const at = part.indexOf("=");
  return at === -1 ? [part] : [part.slice(0, at), part.slice(at + 1)];
}

function inOptions(refusal: Refusal, text: string, part: string): Refusal {
  if (refusal.nearest === undefined) return refusal;
  const meant = refusal.nearest;
  return refuse(
    refusal.refused,
    text
      .split(",")
      .map((other) => (other === part ? meant : other))
      .join(","),
  );
}

function readMode(value: string): string | Refusal {
  const mode = BOND_MODES.find((known, number) => known === value || String(number) === value);
  if (mode !== undefined) return mode;
  const unknown = refuseUnknown(value, "mode of a bond", BOND_MODES);
  return unknown.nearest === undefined ? unknown : refuse(unknown.refused, `mode=${unknown.nearest}`);
}

function readOption(name: string, value: string, members: readonly string[]): string | Refusal {
  const option = BOND_OPTIONS.find((known) => known.name === name);
  if (option === undefined) {
    const unknown = refuseUnknown(name, "option of a bond", NAMES);
    return unknown.nearest === undefined ? unknown : refuse(unknown.refused, `${unknown.nearest}=${value}`);
  }
  const read = readValue(option, value, members);
  return isRefusal(read) && read.nearest !== undefined ? refuse(read.refused, `${name}=${read.nearest}`) : read;
}

function readValue({ name, values }: BondOption, value: string, members: readonly string[]): string | Refusal {
  if ("from" in values) {
    const number = readNumber(value, name, values.from, values.to);
    return isRefusal(number) ? number : String(number);
  }
  if ("words" in values) {
    const found = values.words.some((word, number) => word === value || String(number) === value);
    return found ? value : refuseUnknown(value, `value of ${name}`, values.words);
  }
  if (values.text === "mac") return readMac(value);
  if (values.text === "port")
    return members.includes(value) ? value : refuse(`${quote(value)} is no member (${members.join(", ")})`, members[0]);
  return readTargets(value, values.text === "addresses 4" ? 4 : 6);
}

/** The kernel has room for 16 (BOND_MAX_ARP_TARGETS). */
const TARGETS = 16;

function readTargets(value: string, family: 4 | 6): string | Refusal {
  const targets = value.split(";").map((text) => canonicalAddress(text.replace(/^\[(.*)\]$/u, "$1")));
  const all = targets.filter((address) => address !== undefined && familyOf(address) === family);
  if (all.length !== targets.length) return refuse(`${quote(value)} are no IPv${family} addresses with ; between them`);
  return all.length <= TARGETS
    ? all.join(",")
    : refuse(`names ${all.length} targets, and a bond has room for ${TARGETS}`);
}

/** What the kernel refuses of options that are each valid. */
function refuseTogether(mode: string, options: Readonly<Record<string, string>>): Refusal | undefined {
  for (const { name, modes } of BOND_OPTIONS)
    if (options[name] !== undefined && modes?.some((known) => known === mode) === false)
      return refuse(`${name} does nothing in mode ${mode}, but in ${modes.join(", ")}`);
  const on = (name: string): boolean => options[name] !== undefined && options[name] !== "0";
  if (on("arp_interval") && on("miimon")) return refuse("arp_interval and miimon exclude each other");
  if (on("arp_interval") && options["arp_ip_target"] === undefined && options["ns_ip6_target"] === undefined)
    return refuse("arp_interval asks nobody without arp_ip_target or ns_ip6_target");
  return undefined;
}

/** Delays are multiples of `miimon`: the kernel rounds others, and the bond would never be as it was asked for. */
function refuseSteps(options: Readonly<Record<string, string>>, text: string): Refusal | undefined {
  const step = Number(options["arp_interval"] ?? 0) > 0 ? 0 : Number(options["miimon"] ?? BOND_MIIMON);
  for (const name of ["updelay", "downdelay", "peer_notif_delay"]) {
    const delay = Number(options[name] ?? 0);
    if (delay === 0) continue;
    if (step === 0) return refuse(`${name} is counted in steps of miimon, which is off`);
    if (delay % step === 0) continue;
    const rounded = `${name}=${Math.ceil(delay / step) * step}`;
    const meant = text.split(",").map((part) => (part.startsWith(`${name}=`) ? rounded : part));
    return refuse(`${name} ${delay} is no multiple of miimon ${step}`, meant.join(","));
  }
  return undefined;
}
