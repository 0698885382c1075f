import { shortHash } from "../lib/hash.ts";
import type { BootFlags } from "../model/boot-flags.ts";
import type { NicFact } from "../model/facts.ts";
import { HOST, type LinkSpec } from "../model/kernel.ts";

/** NICs that have the name they shall have, and those that get it first. */
export interface Renames {
  readonly nics: readonly NicFact[];
  readonly objects: readonly LinkSpec[];
  /** Why a NIC keeps its name all the same, by that name. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * `ifname=NAME:MAC`: a NIC is known by the MAC of its hardware, which it keeps as a port of a bond. Until it has its name nothing
 * else is done to it. Names that NICs exchange go by a third one, since each is the other's in between. One whose name is that of a NIC
 * which keeps it has its own as well, since the node has to boot. Pure.
 */
export function splitRenamed({ renames }: Pick<BootFlags, "renames">, nics: readonly NicFact[]): Renames {
  if (renames.length === 0) return { nics, objects: [], refused: new Map() };
  const wanted = new Map(renames.map(({ name, mac }) => [mac, name]));
  const nameOf = (nic: NicFact): string => wanted.get((nic.permanentMac ?? nic.mac).toLowerCase()) ?? nic.name;
  const refused = new Map<string, string>();
  const isPending = (nic: NicFact): boolean =>
    nic.made === undefined && nameOf(nic) !== nic.name && !refused.has(nic.name);
  // What keeps its name may keep the next one from its own.
  for (let more = true; more;) {
    const kept = new Map(nics.filter((nic) => !isPending(nic)).map((nic) => [nic.name, nic]));
    const stuck = nics.filter((nic) => isPending(nic) && kept.has(nameOf(nic)));
    for (const nic of stuck) {
      const to = nameOf(nic);
      refused.set(nic.name, `it is not called ${to} (ifname=${to}:${nic.mac}): ${kept.get(to)?.mac ?? to} is`);
    }
    more = stuck.length > 0;
  }
  const pending = nics.filter(isPending);
  const leaving = new Set(pending.map((nic) => nic.name));
  return {
    refused,
    nics: nics.filter((nic) => !leaving.has(nic.name)),
    objects: pending.map((nic) => {
      const to = nameOf(nic);
      const name = leaving.has(to) ? `n-${shortHash(nic.mac, 8)}` : to;
      return { kind: "link", netns: HOST, name, type: "physical", formerName: nic.name };
    }),
  };
}
