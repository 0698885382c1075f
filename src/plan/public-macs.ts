import { zosMac } from "../lib/zos-mac.ts";
import type { Facts, Uplink } from "../model/facts.ts";
import type { NodeSettings } from "../model/settings.ts";

type MacFacts = Pick<Facts, "nics" | "nodeId">;

export interface Macs {
  /** Of the link that has the addresses. */
  readonly public: string;
  /** Of the uplink and its NIC; null is their own. */
  readonly uplink: string | null;
  /** Of others of the public side, by name: no two nodes on one segment have the same. */
  readonly of: (name: string) => string;
}

/** `pub:mac=swap` gives the public side the NIC's own MAC, which a NIC has to know for that: it has another one by then. */
export function publicMacs(facts: MacFacts, settings: NodeSettings, uplink: Uplink | null): Macs {
  const derived = derivedMac(facts);
  const own = settings.publicMac.value === "swap" ? uplink?.nic.permanentMac : undefined;
  return {
    public: own ?? derived,
    uplink: own === undefined ? null : derived,
    of: (name) => zosMac(`${nodeIdOf(facts)}-${name}`),
  };
}

/** The MAC of the public side of every Zero-OS node. */
export function derivedMac(facts: MacFacts): string {
  return zosMac(`${nodeIdOf(facts)}-public`);
}

/** Until it is written down somewhere, what the first NIC's MAC says. */
function nodeIdOf({ nodeId, nics }: MacFacts): string {
  return nodeId ?? nics[0]?.permanentMac ?? nics[0]?.mac ?? "node";
}
