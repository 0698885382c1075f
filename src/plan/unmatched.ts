import type { BootFlags } from "../model/boot-flags.ts";
import type { Facts, NicFact } from "../model/facts.ts";
import { lookedAt, matchesNic } from "../model/nic-pattern.ts";
import type { NodeSettings, Setting } from "../model/settings.ts";
import { madeLinks } from "./flag-links.ts";
import { flagSource } from "./settings.ts";

/**
 * The NIC patterns that mean no NIC of this node, whether they name candidates, exclude or prefer them: a sentence each, with what set
 * the pattern and what there is instead. Pure. `renamed` are the NICs that are about to get another name.
 */
export function unmatchedPatterns(
  { nics, ignore, prefer, addressingOf, bridge }: NodeSettings,
  facts: Pick<Facts, "nics" | "flags">,
  renamed: readonly { readonly name: string; readonly former: NicFact | undefined }[],
): readonly string[] {
  // Links and names of the command line come with the first pass, and are no mistake of whoever says them.
  const known = [...facts.nics, ...renamed.flatMap(({ former }) => former ?? [])];
  const toCome = new Set([...madeLinks(facts.flags).keys(), ...renamed.map(({ name }) => name), bridge.value]);
  const lists: readonly Setting<readonly string[] | null>[] = [
    nics,
    ...addressingOf.map(({ nic, addressing }) => ({ value: [nic], source: addressing.source })),
    ignore,
    prefer,
    ...builtOn(facts.flags),
  ];
  const sources = new Map<string, string>();
  for (const { value, source } of lists)
    for (const pattern of value ?? []) {
      const met = toCome.has(pattern) || known.some((nic) => matchesNic(pattern, nic));
      if (!met && !sources.has(pattern)) sources.set(pattern, source);
    }
  const named = (nic: NicFact): boolean => (nics.value ?? []).some((pattern) => matchesNic(pattern, nic));
  const there = facts.nics.filter((nic) => nic.physical || nic.made !== undefined || named(nic));
  return [...sources].map(([pattern, source]) => `no NIC matches ${pattern} (${source}): ${listed(pattern, there)}`);
}

/** The NICs that other words of the command line stand on. */
function builtOn(flags: BootFlags): readonly Setting<readonly string[]>[] {
  const names = {
    bonds: flags.bonds.flatMap(({ members }) => members),
    bridges: flags.bridges.flatMap(({ members }) => members),
    vlans: flags.vlans.map(({ parent }) => parent),
    renames: flags.renames.map(({ mac }) => mac),
    routes: flags.routes.flatMap(({ dev }) => dev ?? []),
  };
  return Object.entries(names).map(([field, value]) => ({ value, source: flagSource(flags, [field]) }));
}

function listed(pattern: string, nics: readonly NicFact[]): string {
  if (nics.length === 0) return "there is none";
  const shown = nics.map((nic) => {
    const property = lookedAt(pattern, nic);
    return property === undefined ? nic.name : `${nic.name} (${property})`;
  });
  return `there ${nics.length === 1 ? "is" : "are"} ${shown.join(", ")}`;
}
