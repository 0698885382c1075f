import { matchesGlob } from "../lib/glob.ts";
import type { NicFact } from "./facts.ts";

/** A NIC pattern, taken apart. */
type Part =
  | { readonly by: "name" | "mac" | "driver" | "pci"; readonly glob: string }
  | { readonly by: "speed"; readonly compare: "=" | ">=" | "<=" | ">" | "<"; readonly megabits: number };

const SPEED = /^speed:?(>=|<=|>|<|=)?(\d{1,7})$/u;
const MAC = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/iu;
const PCI = /^(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/iu;

/**
 * What names NICs everywhere, in documents and on the command line: a name (`eth0`, `en*`), a MAC (`52:54:00:12:34:56`,
 * `mac:52:54:*`), `driver:virtio*`, a PCI address (`0000:00:03.0`, `pci:0000:00:*`), or `speed:>=1000` in megabits per second.
 * @returns undefined for a text that is none of these
 */
function parse(pattern: string): Part | undefined {
  const [, sign, digits] = SPEED.exec(pattern) ?? [];
  if (digits !== undefined) return { by: "speed", compare: isCompare(sign) ? sign : "=", megabits: Number(digits) };
  const [, by, glob = ""] = /^(mac|driver|pci):(.*)$/u.exec(pattern) ?? [];
  if (by === "mac" && /^[0-9a-f:*?-]{1,17}$/iu.test(glob)) return { by, glob: macText(glob) };
  if (by === "driver" && /^[A-Za-z0-9._*?-]{1,32}$/u.test(glob)) return { by, glob };
  if (by === "pci" && /^[0-9a-f:.*?]{1,16}$/iu.test(glob)) return { by, glob: pciText(glob) };
  if (by !== undefined) return undefined;
  if (MAC.test(pattern)) return { by: "mac", glob: macText(pattern) };
  if (PCI.test(pattern)) return { by: "pci", glob: pciText(pattern) };
  return /^[A-Za-z0-9._@*?-]{1,15}$/u.test(pattern) ? { by: "name", glob: pattern } : undefined;
}

function isCompare(sign: string | undefined): sign is ">=" | "<=" | ">" | "<" | "=" {
  return sign !== undefined;
}

function macText(text: string): string {
  return text.toLowerCase().replaceAll("-", ":");
}

/** With the domain, which most machines have one of. */
function pciText(text: string): string {
  const lower = text.toLowerCase();
  return PCI.test(lower) && lower.split(":").length === 2 ? `0000:${lower}` : lower;
}

/** True for a text that `matchesNic` understands. */
export function isNicPattern(text: string): boolean {
  return parse(text) !== undefined;
}

/** True when the pattern means the NIC. What the driver does not know, such as its speed, no pattern meets. */
export function matchesNic(
  pattern: string,
  nic: Pick<NicFact, "name" | "mac" | "permanentMac" | "driver" | "pci" | "speed">,
): boolean {
  const part = parse(pattern);
  switch (part?.by) {
    case undefined:
      return false;
    case "name":
      return matchesGlob(nic.name, part.glob);
    case "mac":
      // Another MAC than the hardware's is one that somebody gave it.
      return [nic.mac, nic.permanentMac].some((mac) => mac !== undefined && matchesGlob(macText(mac), part.glob));
    case "driver":
      return nic.driver !== undefined && matchesGlob(nic.driver, part.glob);
    case "pci":
      return nic.pci !== undefined && matchesGlob(pciText(nic.pci), part.glob);
    case "speed":
      return nic.speed !== undefined && compare(nic.speed, part.compare, part.megabits);
  }
}

/** What a pattern looks at in a NIC, in words; undefined when that is its name. */
export function lookedAt(pattern: string, nic: NicFact): string | undefined {
  switch (parse(pattern)?.by) {
    case "mac":
      return nic.mac;
    case "driver":
      return nic.driver ?? "unknown";
    case "pci":
      return nic.pci ?? "unknown";
    case "speed":
      return nic.speed === undefined ? "unknown" : `${nic.speed} Mb/s`;
    case "name":
    case undefined:
      return undefined;
  }
}

function compare(speed: number, how: ">=" | "<=" | ">" | "<" | "=", megabits: number): boolean {
  if (how === "=") return speed === megabits;
  return how.startsWith(">")
    ? speed > megabits || (how === ">=" && speed === megabits)
    : speed < megabits || (how === "<=" && speed === megabits);
}
