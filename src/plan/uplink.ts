import type { Facts, NicDecision, NicFact, ProbeFact, Uplink } from "../model/facts.ts";
import { matchesNic } from "../model/nic-pattern.ts";
import { HOST } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { probePlace, type ProbePlace } from "./probe-place.ts";
import { nameServers, searchList, timeServers } from "./resolver.ts";
import { heardBy, isPrivatelyRouted, isSettled, LEVEL, networkOf, type NicNetwork } from "./nic-network.ts";
import { decisionOf, preferredBy, type Verdict } from "./uplink-record.ts";

/** Seconds that a better one with carrier is waited for when another one has all that is asked for. */
const WAIT_SECONDS = 3;
/**
 * Seconds after its lease came in which a router was asked for the first time, and has answered or failed: a pass or two and, with the
 * checks, 5 s (host/ask-network.ts). The answer itself ends the wait, so that on a machine that is busy there is still one.
 */
const ANSWER_SECONDS = 12;
/** Seconds that a client has for an answer when its NIC was not chosen; servers that look for a user of an address first take three. */
const LATE_SECONDS = 5;
/** Seconds that a client has for it when it has a lease already: of the other family, or a renewed one. */
const LEAVE_SECONDS = 2;
/** Seconds until the next pass, at least. */
const PASS_SECONDS = 0.1;
/** Seconds without carrier after which a cable counts as pulled: a switch that restarts a port takes less. */
const PULLED_SECONDS = 2;

export interface UplinkChoice {
  /** NICs that may be the uplink. */
  readonly candidates: readonly NicFact[];
  /** Those whose network has to be asked, each by itself; the chosen one is not among them. */
  readonly probed: readonly NicFact[];
  readonly chosen: Uplink | null;
  /** Those that were probed and are no more: what they are asking for they may still get, so that nothing is given that nobody knows of. */
  readonly leaving: readonly NicFact[];
  /** NICs that have an `ip=` of their own and are not the uplink: they get their addresses beside it. */
  readonly beside: readonly NicFact[];
  /** One entry for every NIC: what it had, and why it won or lost. */
  readonly decision: readonly NicDecision[];
  /** The uplink was it before and lacks nothing, or has still time to get it back: nothing was decided. */
  readonly settled: boolean;
  /** The chosen one was not the uplink before: what routers advertised was heard in its probe, and not yet above it. */
  readonly moved: boolean;
  /** It takes the place of another one. */
  readonly replaces: boolean;
  /** Seconds since the kernel started at which the same facts may lead to another choice; null when time changes nothing. */
  readonly deadline: number | null;
}

/**
 * Chooses the uplink. Pure: what was chosen before, and when things happened, are facts.
 *
 * - Nothing chosen: every candidate with carrier is probed. The first that has all that is asked for wins, but one that is preferred,
 *   or was the uplink before the last boot, is waited for a moment. After the probe timeout the best wins that has an address.
 * - Chosen: it stays, whatever others have, while it has carrier and all that is asked for. What it loses it may regain within a
 *   probe timeout (a pulled cable counts sooner); then the others are probed beside it, and one that has more takes its place.
 *
 * `taken` names NICs that something else owns, and what.
 */
export function chooseUplink(settings: NodeSettings, facts: Facts, taken: ReadonlyMap<string, string>): UplinkChoice {
  const rejected = new Map(facts.nics.map((nic) => [nic.name, rejection(nic, settings, taken, facts)]));
  const networks = facts.nics.map((nic) => networkOf(settings, nic));
  const candidates = networks.filter(({ nic }) => rejected.get(nic.name) === undefined);
  const held = candidates.find(({ nic }) => nic.name === facts.uplink);
  const verdict = held === undefined ? first(candidates, settings, facts) : next(held, candidates, settings, facts);
  const { chosen, probed } = verdict;
  const moved = chosen !== null && chosen.nic.name !== facts.uplink;
  const replaces = moved && facts.uplink !== null;
  const idle = candidates.filter(
    ({ nic }) => nic.name !== chosen?.nic.name && probed.every((other) => other.nic.name !== nic.name),
  );
  // Not before the choice: until then it may be the uplink itself.
  const rest = chosen === null ? [] : idle.map(({ nic }) => nic);
  const isBeside = (nic: NicFact): boolean => settings.addressingOf.some((one) => matchesNic(one.nic, nic));
  const leaving = rest.filter(
    (nic) => !isBeside(nic) && nic.name !== facts.uplink && nic.carrier && facts.now < leavesAt(nic, facts),
  );
  const ends = [verdict.deadline, ...leaving.map((nic) => leavesAt(nic, facts))].filter((end) => end !== null);
  return {
    candidates: candidates.map(({ nic }) => nic),
    probed: probed.map(({ nic }) => nic),
    chosen: chosen === null ? null : uplinkOf(chosen, settings),
    leaving,
    beside: rest.filter(isBeside),
    decision: networks.map((network) =>
      decisionOf(network, rejected.get(network.nic.name), verdict, settings, facts.lastUplink),
    ),
    settled: verdict.why === "awaited" || (verdict.why === "kept" && chosen?.level === LEVEL.complete),
    moved,
    replaces,
    // The pass that changes the NIC is not the last one.
    deadline: moved ? facts.now : ends.length === 0 ? null : Math.min(...ends),
  };
}

/** What has to be known of the choice when the next one is made. */
export interface ChoiceMemory {
  readonly uplink: string | null;
  /** When the uplink was found to lack something; null while it lacks nothing. Seconds since the kernel started, as the others. */
  readonly uplinkLost: number | null;
  /** Since when each NIC is probed, or has been the uplink with carrier. */
  readonly since: Readonly<Record<string, number>>;
  /** Since when those of them are probed no more whose probe is about to end. */
  readonly over: Readonly<Record<string, number>>;
  /** The addresses of the DHCPv4 leases of those NICs, which their probes have had since that pass. */
  readonly placed: Readonly<Record<string, string>>;
  /** NICs that have their addresses beside the uplink: what routers tell them is heard there. */
  readonly beside: readonly string[];
}

/** What is to be remembered of a choice; pure like the choice itself. */
export function rememberChoice(
  { chosen, probed, leaving, beside }: UplinkChoice,
  facts: Facts,
  before: ChoiceMemory,
): ChoiceMemory {
  const asked = new Set([...probed, ...beside].map(({ name }) => name));
  // One that cannot be the uplink for a while (a LAN took it) is that again when it comes back, as if it had lost its cable.
  const uplink = chosen?.nic.name ?? before.uplink;
  if (uplink !== null) asked.add(uplink);
  const over = Object.fromEntries(leaving.map(({ name }) => [name, before.over[name] ?? facts.now]));
  const since = Object.fromEntries([
    // One that was about to leave is asked anew.
    ...[...asked].map((name) => [
      name,
      before.over[name] === undefined ? (before.since[name] ?? facts.now) : facts.now,
    ]),
    ...leaving.map(({ name }) => [name, before.since[name] ?? facts.now]),
  ]) as Readonly<Record<string, number>>;
  const leases = [...probed, ...leaving].map(({ name, probe }) => [name, probe?.lease4?.address] as const);
  const placed = Object.fromEntries(leases.flatMap(([name, at]) => (at === undefined ? [] : [[name, at]])));
  const known = { uplink, since, over, placed, beside: beside.map(({ name }) => name) };
  if (chosen === null) return { ...known, uplinkLost: uplink === null ? null : (before.uplinkLost ?? facts.now) };
  const { name } = chosen.nic;
  // One that was taken for want of a better one never had all: the others go on being asked at once.
  const lost = name === before.uplink ? (before.uplinkLost ?? facts.now) : NEVER_HELD;
  return { ...known, uplinkLost: chosen.complete ? null : lost };
}

/** What is remembered of the probe of a NIC, as facts about it. */
export function ofProbe(nic: string, { over, placed }: ChoiceMemory): Pick<ProbeFact, "overSince" | "placed"> {
  const [overSince, at] = [over[nic], placed[nic]];
  return { ...(overSince === undefined ? {} : { overSince }), ...(at === undefined ? {} : { placed: at }) };
}

/**
 * When the probe of a NIC ends that was not chosen; at once when it has none. What its client holds is what it got since it was started,
 * and it can be given back as soon as the probe has the address, however long a pass took.
 */
function leavesAt({ probe }: NicFact, { now }: Facts): number {
  if (probe === undefined) return now;
  const { since, overSince = now, lease4, placed } = probe;
  if (lease4 === undefined || lease4.obtainedAt < Math.floor(since)) return overSince + LATE_SECONDS;
  const soonest = overSince + LEAVE_SECONDS;
  return placed === lease4.address ? soonest : Math.max(soonest, now + PASS_SECONDS);
}

/** Before every patience. */
const NEVER_HELD = -1e9;

/** Nothing is chosen. */
function first(candidates: readonly NicNetwork[], settings: NodeSettings, facts: Facts): Verdict {
  const probed = candidates.filter(({ nic }) => nic.carrier);
  const [best] = ready(probed, settings, facts);
  const timeout = nextTimeout(probed, settings, facts);
  if (best === undefined) return { chosen: null, why: "none", probed, deadline: timeout };
  if (best.level < LEVEL.complete)
    return { chosen: best, why: "timeout", probed: without(probed, best), deadline: null };
  const until = (best.nic.probe?.answeredAt ?? sinceOf(best, facts)) + WAIT_SECONDS;
  const awaited = probed.find(
    (other) => other.level < LEVEL.complete && preference(other, settings, facts) < preference(best, settings, facts),
  );
  if (awaited !== undefined && facts.now < until)
    return { chosen: null, why: "none", awaited, probed, deadline: until };
  return { chosen: best, why: "first", probed: [], deadline: null };
}

/** `held` was chosen before. */
function next(held: NicNetwork, candidates: readonly NicNetwork[], settings: NodeSettings, facts: Facts): Verdict {
  const others = candidates.filter(({ nic }) => nic.carrier && nic.name !== held.nic.name);
  if (held.level === LEVEL.complete) return { chosen: held, why: "kept", probed: [], deadline: null };
  const lost = facts.uplinkLost ?? facts.now;
  const patience = held.nic.carrier ? settings.probeTimeout.value : PULLED_SECONDS;
  if (facts.now < lost + patience) return { chosen: held, why: "awaited", probed: [], deadline: lost + patience };
  const better = ready(others, settings, facts).find(({ level }) => level > held.level);
  if (better === undefined)
    return { chosen: held, why: "kept", probed: others, deadline: nextTimeout(others, settings, facts) };
  const probed = better.level === LEVEL.complete ? [] : without(others, better);
  return { chosen: better, why: "better", instead: held, probed, deadline: null };
}

/** Those that may win now, best first: with all that is asked for, or with what they have when their time is over. */
function ready(probed: readonly NicNetwork[], settings: NodeSettings, facts: Facts): readonly NicNetwork[] {
  // With nothing more to come there is nothing to wait for.
  const settled = probed.every(isSettled);
  const isReady = (network: NicNetwork): boolean =>
    network.level === LEVEL.complete ||
    (network.level >= LEVEL.address && (settled || facts.now >= endOf(network, settings, facts)));
  return probed.filter(isReady).toSorted((a, b) => compare(a, b, settings, facts));
}

function compare(a: NicNetwork, b: NicNetwork, settings: NodeSettings, facts: Facts): number {
  return (
    b.level - a.level ||
    preference(a, settings, facts) - preference(b, settings, facts) ||
    Number(isPrivatelyRouted(b)) - Number(isPrivatelyRouted(a)) ||
    readyAt(a, facts) - readyAt(b, facts) ||
    // One without an address on a bus comes last.
    byText(a.nic.pci ?? "~", b.nic.pci ?? "~") ||
    byText(a.nic.name, b.nic.name)
  );
}

function preference({ nic }: NicNetwork, settings: NodeSettings, { lastUplink }: Facts): number {
  return preferredBy(settings, lastUplink)(nic).rank;
}

function readyAt(network: NicNetwork, facts: Facts): number {
  return network.nic.probe?.lease4?.obtainedAt ?? sinceOf(network, facts);
}

function sinceOf({ nic }: NicNetwork, { now }: Facts): number {
  return nic.probe?.since ?? now;
}

/** When the probe of a NIC has had its time: one whose lease came late has still to hear of its router. */
function endOf(network: NicNetwork, { probeTimeout }: NodeSettings, facts: Facts): number {
  const { gateway4, gateway6 } = network.nic.probe ?? {};
  const asked = network.level !== LEVEL.route || gateway4 !== undefined || gateway6 !== undefined;
  const heard = asked ? -Infinity : readyAt(network, facts) + ANSWER_SECONDS;
  return Math.max(sinceOf(network, facts) + probeTimeout.value, heard);
}

function nextTimeout(probed: readonly NicNetwork[], settings: NodeSettings, facts: Facts): number | null {
  const ends = probed.map((network) => endOf(network, settings, facts)).filter((end) => end > facts.now);
  return ends.length === 0 ? null : Math.min(...ends);
}

function without(networks: readonly NicNetwork[], { nic }: NicNetwork): readonly NicNetwork[] {
  return networks.filter((network) => network.nic.name !== nic.name);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The uplink that a NIC makes with what its network has. */
function uplinkOf({ nic, addresses, gateways, level, addressing }: NicNetwork, settings: NodeSettings): Uplink {
  const heard = heardBy(addressing, nic.probe);
  return {
    nic,
    link: linkAbove(nic, settings),
    complete: level === LEVEL.complete,
    addresses,
    gateways,
    dns: nameServers(settings, heard, linkAbove(nic, settings)),
    search: searchList(settings, heard),
    ntp: timeServers(settings, heard),
  };
}

/** From where the network of a NIC is asked: its probe, above it when it is the uplink, or the NIC itself. */
export function askedFrom(
  settings: NodeSettings,
  nic: NicFact,
  { uplink, beside }: Pick<ChoiceMemory, "uplink" | "beside">,
): ProbePlace {
  if (nic.name === uplink) return { netns: HOST, dev: linkAbove(nic, settings) };
  return beside.includes(nic.name) ? { netns: HOST, dev: nic.name } : probePlace(settings, nic.name);
}

/** The bridge of the uplink; one of the command line is that itself, since a bridge cannot be a port of another one. */
export function linkAbove({ name, made }: NicFact, { bridge, vlan }: NodeSettings): string {
  return made === "bridge" && vlan.value === null ? name : bridge.value;
}

function rejection(
  nic: NicFact,
  { wantsUplink, ignore, nics }: NodeSettings,
  taken: ReadonlyMap<string, string>,
  { uplink, flags }: Pick<Facts, "uplink" | "flags">,
): string | undefined {
  if (!wantsUplink.value) return `the node has no uplink (${wantsUplink.source})`;
  const owner = taken.get(nic.name);
  if (owner !== undefined) {
    const carries = flags.vlans.some(({ name, parent }) => parent === nic.name && owner.split(" ", 1)[0] === name);
    return `it is ${carries ? "below" : "a port of"} ${owner}`;
  }
  const ignored = ignore.value.find((pattern) => matchesNic(pattern, nic));
  if (ignored !== undefined) return `it is ignored by ${ignored} (${ignore.source})`;
  if (nics.value === null) {
    if (!nic.physical && nic.made === undefined) return "it is no physical NIC";
    // What somebody adds to the uplink later does not take it from us.
    return nic.name === uplink ? undefined : nic.foreign;
  }
  return nics.value.some((pattern) => matchesNic(pattern, nic))
    ? undefined
    : `it is not named by ${nics.value.join(", ")} (${nics.source})`;
}
