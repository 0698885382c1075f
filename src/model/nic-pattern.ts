import { matchesGlob } from "../lib/glob.ts";
import type { NicFact } from "./facts.ts";

/** True when a NIC is meant by a pattern: its name with `*` and `?`, or its MAC. */
export function matchesNic(pattern: string, nic: Pick<NicFact, "name" | "mac" | "permanentMac">): boolean {
  const mac = /^(?:mac:)?((?:[\da-f]{2}:){5}[\da-f]{2})$/iu.exec(pattern)?.[1]?.toLowerCase();
  return mac === undefined ? matchesGlob(nic.name, pattern) : mac === nic.mac || mac === nic.permanentMac;
}
