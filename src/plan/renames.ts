import { shortHash } from "../lib/hash.ts";
import type { BootFlags } from "../model/boot-flags.ts";
import type { NicFact } from "../model/facts.ts";
import { HOST, type LinkSpec } from "../model/kernel.ts";

/** NICs that have the name they shall have, and those that get it first. */
export interface Renames {
  readonly nics: readonly NicFact[];
  readonly objects: readonly LinkSpec[];
}

/**
 * `ifname=NAME:MAC`: a NIC is known by the MAC of its hardware, which it keeps as a port of a bond. Until it has its name nothing
 * else is done to it. Names that NICs exchange go by a third one, since each is the other's in between. Pure.
 */
export function splitRenamed({ renames }: Pick<BootFlags, "renames">, nics: readonly NicFact[]): Renames {
  if (renames.length === 0) return { nics, objects: [] };
  const wanted = new Map(renames.map(({ name, mac }) => [mac, name]));
  const nameOf = (nic: NicFact): string => wanted.get((nic.permanentMac ?? nic.mac).toLowerCase()) ?? nic.name;
  const pending = nics.filter((nic) => nic.made === undefined && nameOf(nic) !== nic.name);
  const leaving = new Set(pending.map((nic) => nic.name));
  return {
    nics: nics.filter((nic) => !leaving.has(nic.name)),
    objects: pending.map((nic) => {
      const to = nameOf(nic);
      const name = leaving.has(to) ? `n-${shortHash(nic.mac, 8)}` : to;
      return { kind: "link", netns: HOST, name, type: "physical", formerName: nic.name };
    }),
  };
}
