import { matchesGlob } from "../lib/glob.ts";
import type { Facts, Had, LeaseFact, NicDecision, NicFact, Uplink } from "../model/facts.ts";
import type { NodeSettings } from "../model/settings.ts";
import { nameServers, searchList, timeServers } from "./resolver.ts";

export interface UplinkChoice {
  /** NICs that are probed, or would be if none were chosen. */
  readonly candidates: readonly NicFact[];
  readonly chosen: Uplink | null;
  /** One entry for every NIC: what it had, and why it won or lost. */
  readonly decision: readonly NicDecision[];
}

/**
 * The first NIC with carrier and a lease becomes the uplink, and stays it while its lease holds: two NICs on one LAN
 * do not flap. One whose cable is pulled keeps its place until another has carrier and a lease. `taken` names NICs that something else owns, and what.
 */
export function chooseUplink(settings: NodeSettings, facts: Facts, taken: ReadonlyMap<string, string>): UplinkChoice {
  const rejected = new Map(facts.nics.map((nic) => [nic.name, rejection(nic, settings, taken)]));
  const candidates = facts.nics.filter((nic) => rejected.get(nic.name) === undefined);
  const ready = candidates
    .flatMap((nic) => {
      const lease = nic.probe?.lease4;
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
    reasons: reasons(nic, rejected.get(nic.name), nic.probe?.lease4, chosen, stayed),
    had: had(nic),
  }));
  return { candidates, chosen: chosen === null ? null : uplinkOf(chosen.nic, chosen.lease, settings), decision };
}

/** The uplink that a NIC makes with its lease. */
function uplinkOf(nic: NicFact, lease: LeaseFact, settings: NodeSettings): Uplink {
  return {
    nic,
    link: settings.bridge.value,
    complete: true,
    addresses: [lease.address],
    gateways: lease.router === undefined ? [] : [lease.router],
    dns: nameServers(settings, nic.probe, settings.bridge.value),
    search: searchList(settings, nic.probe),
    ntp: timeServers(settings, nic.probe),
  };
}

function had({ carrier, probe }: NicFact): Had {
  const { lease4, lease6, ra, gateway4, gateway6, checks } = probe ?? {};
  const told = (result: { readonly name: string; readonly detail: string } | undefined): string | null =>
    result === undefined ? null : `${result.name} ${result.detail}`;
  return {
    carrier: carrier ? "yes" : null,
    lease4: lease4?.address ?? null,
    ra: ra?.router ?? null,
    lease6: lease6?.addresses[0]?.address ?? null,
    gateway: told(gateway4) ?? told(gateway6),
    check: told(checks?.find(({ passed }) => !passed) ?? checks?.[0]),
  };
}

/** The NIC chosen before comes first, then the one that got its lease first. */
function rank(ready: { readonly nic: NicFact; readonly lease: LeaseFact }, previous: string | null): number {
  return ready.nic.name === previous ? -1 : ready.lease.obtainedAt;
}

function rejection(
  nic: NicFact,
  { wantsUplink, ignore, nics }: NodeSettings,
  taken: ReadonlyMap<string, string>,
): string | undefined {
  if (!wantsUplink.value) return `the node has no uplink (${wantsUplink.source})`;
  const owner = taken.get(nic.name);
  if (owner !== undefined) return `it is a port of ${owner}`;
  const ignored = ignore.value.find((pattern) => matchesGlob(nic.name, pattern));
  if (ignored !== undefined) return `uplink.ignore names it (${ignored})`;
  if (nics.value === null) return nic.physical ? undefined : "it is no physical NIC";
  return nics.value.some((pattern) => matchesGlob(nic.name, pattern))
    ? undefined
    : `uplink.nics does not name it (${nics.value.join(", ")})`;
}

function reasons(
  nic: NicFact,
  rejected: string | undefined,
  lease: LeaseFact | undefined,
  chosen: { readonly nic: NicFact } | null,
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
