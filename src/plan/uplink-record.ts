import type { Had, NicDecision, NicFact } from "../model/facts.ts";
import type { CheckResult } from "../model/guard.ts";
import { matchesNic } from "../model/nic-pattern.ts";
import type { NodeSettings } from "../model/settings.ts";
import { heardBy, LEVEL, type NicNetwork } from "./nic-network.ts";

/** What came out of a choice, and why. */
export interface Verdict {
  readonly chosen: NicNetwork | null;
  /**
   * `first`: it had all that is asked for before the others. `timeout`: it was the best when the time was over. `kept`: it was the
   * uplink before. `awaited`: so it was, and has still time to get back what it lacks. `better`: it has more than the uplink before. `none`: nothing is chosen yet.
   */
  readonly why: "first" | "timeout" | "kept" | "awaited" | "better" | "none";
  /** Whose place the chosen one takes. */
  readonly instead?: NicNetwork;
  /** For whom a complete one waits. */
  readonly awaited?: NicNetwork;
  readonly probed: readonly NicNetwork[];
  readonly deadline: number | null;
}

/** What is written down about a NIC: what it had, and why it won or lost. */
export function decisionOf(
  network: NicNetwork,
  rejected: string | undefined,
  verdict: Verdict,
  settings: NodeSettings,
  lastUplink?: string,
): NicDecision {
  const { nic } = network;
  const chosen = nic.name === verdict.chosen?.nic.name;
  const reasons =
    rejected === undefined
      ? [
          ...findings(network, settings),
          ...(chosen ? won(verdict, settings) : lost(network, verdict, preferredBy(settings, lastUplink))),
        ]
      : [rejected];
  return { nic: nic.name, mac: nic.mac, chosen, reasons, had: hadBy(network, settings) };
}

/** What the network of a NIC had when it was asked last; null is "nothing". */
function hadBy({ nic, addressing, gateways }: NicNetwork, settings: NodeSettings): Had {
  const { gateway4, gateway6 } = nic.probe ?? {};
  const { lease4, lease6, ra } = heardBy(addressing, nic.probe);
  const checks = settings.checks.value.flatMap((target) => checkOf(nic.probe?.checks, target) ?? []);
  const passed = (results: readonly (CheckResult | undefined)[]): string | null => {
    const texts = results.flatMap((result) => (result?.passed === true ? [result.detail] : []));
    return texts.length === 0 ? null : texts.join(", ");
  };
  return {
    carrier: nic.carrier ? (nic.probe === undefined ? "yes" : `since ${nic.probe.since.toFixed(1)} s`) : null,
    lease4: lease4?.address ?? null,
    ra: ra !== undefined ? [ra.router, ...ra.addresses].filter((one) => one !== undefined).join(" ") : null,
    lease6: lease6 !== undefined ? lease6.addresses.map(({ address }) => address).join(" ") : null,
    gateway: gateways.length === 0 ? null : passed([gateway4, gateway6]),
    check: passed(checks),
  };
}

function checkOf(checks: readonly CheckResult[] | undefined, target: string): CheckResult | undefined {
  return checks?.find(({ name }) => name === target);
}

/** What was found, and the first thing that was not. */
function findings({ nic, addressing, gateways, level }: NicNetwork, settings: NodeSettings): readonly string[] {
  if (!nic.carrier) return ["has no carrier"];
  const { gateway4, gateway6 } = nic.probe ?? {};
  const { lease4, lease6, ra } = heardBy(addressing, nic.probe);
  const found = [
    "has carrier",
    ...addressing.addresses.map((address) => `address ${address} as configured`),
    ...(lease4 !== undefined ? [`DHCPv4 lease ${lease4.address} from ${lease4.server ?? "an unnamed server"}`] : []),
    ...(ra !== undefined
      ? [
          `router advertisement${ra.router === undefined ? "" : ` of ${ra.router}`}${ra.addresses.map((one) => `, address ${one}`).join("")}`,
        ]
      : []),
    ...(lease6 !== undefined ? lease6.addresses.map(({ address }) => `DHCPv6 lease ${address}`) : []),
  ];
  if (level === LEVEL.nothing) return [...found, noAnswer(addressing)];
  if (level === LEVEL.address)
    return [...found, gateways.length === 0 ? "no default route" : "no router of the address's family"];
  const answers = [gateway4, gateway6].filter((result) => result !== undefined);
  if (level === LEVEL.route) {
    const said = answers.map((result) => `gateway ${result.detail}`);
    return [...found, ...(said.length === 0 ? [`gateway ${gateways.join(" and ")} has not answered yet`] : said)];
  }
  found.push(...answers.filter(({ passed }) => passed).map(({ detail }) => `gateway ${detail}`));
  const results = settings.checks.value.map((target) => ({ target, result: checkOf(nic.probe?.checks, target) }));
  return [
    ...found,
    ...results.map(({ target, result }) =>
      result === undefined ? `${target} not asked yet` : `${target} ${result.detail}`,
    ),
  ];
}

function noAnswer({ dhcp4, dhcp6, ra }: NicNetwork["addressing"]): string {
  const asked = [
    ...(dhcp4 ? ["DHCPv4 answer"] : []),
    ...(dhcp6 === true ? ["DHCPv6 answer"] : []),
    ...(ra ? ["router advertisement with an address"] : []),
  ];
  return asked.length === 0 ? "no address is configured" : `no ${asked.join(" and no ")} yet`;
}

function won({ why, chosen, instead }: Verdict, settings: NodeSettings): readonly string[] {
  const complete = chosen?.level === LEVEL.complete;
  switch (why) {
    case "first":
      return ["first NIC with all that is asked for"];
    case "timeout":
      return [`best of what there was within ${settings.probeTimeout.value} s`];
    case "better":
      return [`has more than ${instead?.nic.name ?? "the uplink"}, which was the uplink before`];
    case "kept":
      return [complete ? "was the uplink before" : "was the uplink before, and no other has more"];
    case "awaited":
      return ["was the uplink before, and has still time to get it back"];
    case "none":
      return [];
  }
}

/** Why a NIC is better than others that are as complete, and its rank among them: lower is better. */
type Preferred = (nic: NicFact) => { readonly rank: number; readonly why: string };

/** As `prefer` lists them, then the uplink before the last boot, then all others. */
export function preferredBy({ prefer: { value, source } }: NodeSettings, lastUplink: string | undefined): Preferred {
  return (nic) => {
    const at = value.findIndex((pattern) => matchesNic(pattern, nic));
    if (at >= 0) return { rank: at, why: `is preferred (${source})` };
    return nic.name === lastUplink
      ? { rank: value.length, why: "was the uplink before the last boot" }
      : { rank: value.length + 1, why: "" };
  };
}

function lost({ nic, level }: NicNetwork, { chosen, why, awaited }: Verdict, preferred: Preferred): readonly string[] {
  if (chosen === null) {
    if (!nic.carrier) return ["not probed without carrier"];
    return awaited !== undefined && level === LEVEL.complete
      ? [`waits a moment for ${awaited.nic.name}, which ${preferred(awaited.nic).why}`]
      : [];
  }
  const { name } = chosen.nic;
  if (why === "kept" || why === "awaited") return [`${name} was the uplink before`];
  if (level < chosen.level) return [`${name} had more`];
  const better = preferred(chosen.nic);
  return [`${name} ${better.rank < preferred(nic).rank ? better.why : "was first"}`];
}
