import { matchesGlob } from "../lib/glob.ts";
import type { UplinkPolicy } from "../model/document.ts";
import type { Facts, LeaseFact, NicDecision, NicFact } from "../model/facts.ts";

export interface UplinkChoice {
  /** NICs that are probed, or would be if none were chosen. */
  readonly candidates: readonly NicFact[];
  readonly chosen: { readonly nic: NicFact; readonly lease: LeaseFact } | null;
  /** One entry for every NIC: what it had, and why it won or lost. */
  readonly decision: readonly NicDecision[];
}

/**
 * The first NIC with carrier and a lease becomes the uplink, and stays it while its lease holds: two NICs on one LAN
 * do not flap. One whose cable is pulled keeps its place until another has carrier and a lease. `taken` names NICs that something else owns, and what.
 */
export function chooseUplink(policy: UplinkPolicy, facts: Facts, taken: ReadonlyMap<string, string>): UplinkChoice {
  const leases = new Map(facts.leases.map((lease) => [lease.nic, lease]));
  const rejected = new Map(facts.nics.map((nic) => [nic.name, rejection(nic, policy, taken)]));
  const candidates = facts.nics.filter((nic) => rejected.get(nic.name) === undefined);
  const ready = candidates
    .flatMap((nic) => {
      const lease = leases.get(nic.name);
      return lease === undefined ? [] : [{ nic, lease }];
    })
    .toSorted(
      (a, b) =>
        Number(b.nic.carrier) - Number(a.nic.carrier) ||
        rank(a, facts.uplink) - rank(b, facts.uplink) ||
        (a.nic.name < b.nic.name ? -1 : 1),
    );
  const chosen = ready[0] ?? null;
  const stayed =
    chosen !== null && ready.some(({ nic, lease }) => nic.carrier && lease.obtainedAt < chosen.lease.obtainedAt);
  const decision = facts.nics.map((nic) => ({
    nic: nic.name,
    mac: nic.mac,
    chosen: nic.name === chosen?.nic.name,
    reasons: reasons(nic, rejected.get(nic.name), leases.get(nic.name), chosen, stayed),
  }));
  return { candidates, chosen, decision };
}

/** The NIC chosen before comes first, then the one that got its lease first. */
function rank(ready: { readonly nic: NicFact; readonly lease: LeaseFact }, previous: string | null): number {
  return ready.nic.name === previous ? -1 : ready.lease.obtainedAt;
}

function rejection(nic: NicFact, policy: UplinkPolicy, taken: ReadonlyMap<string, string>): string | undefined {
  if (policy.mode === "none") return "the node has no uplink by its document (uplink.mode: none)";
  const owner = taken.get(nic.name);
  if (owner !== undefined) return `it is a port of ${owner}`;
  const ignored = policy.ignore.find((pattern) => matchesGlob(nic.name, pattern));
  if (ignored !== undefined) return `uplink.ignore names it (${ignored})`;
  if (policy.nics === undefined) return nic.physical ? undefined : "it is no physical NIC";
  return policy.nics.some((pattern) => matchesGlob(nic.name, pattern))
    ? undefined
    : `uplink.nics does not name it (${policy.nics.join(", ")})`;
}

function reasons(
  nic: NicFact,
  rejected: string | undefined,
  lease: LeaseFact | undefined,
  chosen: UplinkChoice["chosen"],
  stayed: boolean,
): readonly string[] {
  if (rejected !== undefined) return [rejected];
  const carrier = nic.carrier ? "has carrier" : "has no carrier";
  const answer =
    lease === undefined
      ? "no DHCPv4 answer yet"
      : `DHCPv4 lease ${lease.address} from ${lease.server ?? "an unnamed server"}`;
  if (chosen === null) return [carrier, nic.carrier ? answer : "not probed without carrier"];
  if (chosen.nic.name === nic.name) {
    return [carrier, answer, stayed ? "was the uplink before" : "first NIC with carrier and a lease"];
  }
  return [
    carrier,
    lease === undefined ? `no lease before ${chosen.nic.name} had one` : answer,
    chosen.nic.carrier && !nic.carrier && lease !== undefined
      ? `${chosen.nic.name} has carrier and a lease`
      : `${chosen.nic.name} was first`,
  ];
}
