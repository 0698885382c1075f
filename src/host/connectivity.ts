import { until } from "../lib/async.ts";
import type { CheckResult } from "../model/guard.ts";
import { TABLE_MAIN } from "../model/kernel.ts";
import type { Netlink } from "./addon.ts";
import type { Link, Neighbor, Route } from "./netlink-types.ts";

/** The kernel asks three times, a second apart, before it gives up (arp(7), mcast_solicit and retrans_time). */
const ANSWER_MS = 4000;
/** States of a neighbour that nobody asks. */
const FIXED = new Set(["permanent", "noarp"]);

/**
 * Whether the node reaches the gateways of its best default routes, one result for each family. The gateway is asked now, by
 * ARP or neighbour discovery: what the kernel believes to be reachable may be half a minute old.
 */
export async function checkConnectivity(netlink: Netlink): Promise<readonly CheckResult[]> {
  const tables = await netlink.dump("links", "routes", "neighbors");
  return await Promise.all(([4, 6] as const).map((family) => checkGateway(netlink, tables, family)));
}

interface Seen {
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  readonly neighbors: readonly Neighbor[];
}

async function checkGateway(netlink: Netlink, { links, routes, neighbors }: Seen, family: 4 | 6): Promise<CheckResult> {
  const name = `IPv${family} gateway`;
  const gateway = bestGateway(routes, family);
  if (gateway === undefined) return { name, passed: false, detail: "is missing: there is no default route with one" };
  const { index, via } = gateway;
  const dev = links.find((link) => link.index === index)?.name;
  if (dev === undefined) return { name, passed: false, detail: `${via} is on a link that is gone` };
  const known = neighbors.find((neighbor) => neighbor.index === index && neighbor.to === via && !neighbor.proxy);
  if (known !== undefined && FIXED.has(known.state))
    return { name, passed: false, detail: `${via} by ${dev} cannot be asked: its neighbour entry is ${known.state}` };
  const passed = await answers(netlink, { index, dev, to: via });
  return { name, passed, detail: `${via} by ${dev} ${passed ? "answers" : "does not answer"}` };
}

function bestGateway(routes: readonly Route[], family: 4 | 6): { index: number; via: string } | undefined {
  const [best] = routes
    .filter(
      (route) =>
        route.family === family && route.to === "default" && route.table === TABLE_MAIN && route.type === "unicast",
    )
    .toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
  const hop = best?.hops?.[0] ?? best;
  return hop?.index == null || hop.via === null ? undefined : { index: hop.index, via: hop.via };
}

/** Forgets what is known about a neighbour and has the kernel ask for it. */
async function answers(
  netlink: Netlink,
  { index, dev, to }: { readonly index: number; readonly dev: string; readonly to: string },
): Promise<boolean> {
  const [, asked] = await netlink.batch([
    { op: "neighbor.del", dev, to },
    { op: "neighbor.resolve", dev, to },
  ]);
  if (asked?.ok !== true) return false;
  const outcome = await until(
    async () => {
      const { neighbors } = await netlink.dump("neighbors");
      const state = neighbors.find((one) => one.index === index && one.to === to && !one.proxy)?.state;
      return state === "reachable" || state === "failed" ? state : undefined;
    },
    { timeoutMs: ANSWER_MS, intervalMs: 50 },
  );
  return outcome === "reachable";
}
