import { until } from "../lib/async.ts";
import { NetloomError } from "../lib/errors.ts";
import { familyOf } from "../lib/ip.ts";
import type { Answer, Question } from "../model/check.ts";
import type { CheckResult } from "../model/guard.ts";
import { HOST } from "../model/kernel.ts";
import { Reach, type Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";
import type { Reached } from "./netlink-types.ts";

/** The kernel asks three times, a second apart, before it gives up (arp(7), mcast_solicit and retrans_time). */
const ANSWER_MS = 4000;
/** TCP asks a second time after 1 s, a third time after 3 (TCP_TIMEOUT_INIT). */
const REACH_MS = 5000;
/** States of a neighbour that nobody asks. */
const FIXED = new Set(["permanent", "noarp"]);

/**
 * Asks default routers now, one of each family; what the kernel believes may be half a minute old. `netlink` is inside the namespace.
 * @throws when the link is not there: then nobody was asked.
 */
export async function askNetwork(netlink: Netlink, { netns, dev, gateways, targets }: Question): Promise<Answer> {
  const { links } = await netlink.dump("links");
  if (!links.some(({ name }) => name === dev)) {
    const target = `the network of ${dev}${netns === HOST ? "" : ` in ${netns}`}`;
    throw new NetloomError({ code: "not-found", op: "ask", target, why: "the link is gone" });
  }
  const ask = async (family: 4 | 6): Promise<CheckResult | undefined> => {
    const to = gateways.find((gateway) => familyOf(gateway) === family);
    return to === undefined ? undefined : await askGateway(netlink, dev, to);
  };
  const path = netns === HOST ? null : netnsPath(netns);
  const [gateway4, gateway6, checks] = await Promise.all([ask(4), ask(6), askTargets(path, dev, targets)]);
  return {
    ...(gateway4 === undefined ? {} : { gateway4 }),
    ...(gateway6 === undefined ? {} : { gateway6 }),
    checks,
  };
}

/** Asks one router on a link. One that is known is asked at its MAC, so that what flows there goes on. */
export async function askGateway(netlink: Netlink, dev: string, to: string): Promise<CheckResult> {
  const name = `IPv${familyOf(to)} gateway`;
  const { links, neighbors } = await netlink.dump("links", "neighbors");
  const index = links.find((link) => link.name === dev)?.index;
  if (index === undefined) return { name, passed: false, detail: `${to} is on ${dev}, which is gone` };
  const known = neighbors.find((neighbor) => neighbor.index === index && neighbor.to === to && !neighbor.proxy);
  if (known !== undefined && FIXED.has(known.state))
    return { name, passed: false, detail: `${to} by ${dev} cannot be asked: its neighbour entry is ${known.state}` };
  const asked = { index, dev, to };
  const atItsMac = known?.mac != null && (await answers(netlink, { ...asked, mac: known.mac }));
  // A router may have got another MAC, when a spare one took its place.
  const passed = atItsMac || (await answers(netlink, { ...asked, mac: null }));
  return { name, passed, detail: `${to} by ${dev} ${passed ? "answers" : "does not answer"}` };
}

async function answers(
  netlink: Netlink,
  {
    index,
    dev,
    to,
    mac,
  }: { readonly index: number; readonly dev: string; readonly to: string; readonly mac: string | null },
): Promise<boolean> {
  // Without a MAC it may have failed a moment ago, and would not be asked again for a while.
  if (mac === null) await netlink.batch([{ op: "neighbor.del", dev, to }]);
  const [asked] = await netlink.batch([{ op: "neighbor.resolve", dev, to, ...(mac === null ? {} : { mac }) }]);
  if (asked?.ok !== true) return false;
  const outcome = await until(
    async () => {
      const { neighbors } = await netlink.dump("neighbors");
      const state = neighbors.find((one) => one.index === index && one.to === to && !one.proxy)?.state;
      return state === "reachable" || state === "failed" ? state : undefined;
    },
    { timeoutMs: ANSWER_MS, intervalMs: 20 },
  );
  return outcome === "reachable";
}

/** Asks hosts by TCP or ICMP, all at once. */
async function askTargets(
  path: string | null,
  dev: string,
  targets: readonly string[],
): Promise<readonly CheckResult[]> {
  if (targets.length === 0) return [];
  using reach = await Reach.open(path, dev, targets);
  const look = (): Promise<readonly Reached[] | undefined> => {
    const known = reach.look();
    return Promise.resolve(known.every(({ passed }) => passed !== null) ? known : undefined);
  };
  const known = (await until(look, { timeoutMs: REACH_MS, intervalMs: 20 })) ?? reach.look();
  return targets.map((name, index) => {
    const { passed, why } = known[index] ?? { passed: null, why: null };
    const failed = why ?? `no answer within ${REACH_MS / 1000} s`;
    return { name, passed: passed === true, detail: passed === true ? "answers" : `does not answer: ${failed}` };
  });
}
