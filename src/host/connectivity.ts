import type { CheckResult } from "../model/guard.ts";
import { TABLE_MAIN } from "../model/kernel.ts";
import type { Netlink } from "./addon.ts";
import { askGateway } from "./ask-network.ts";
import type { Link, Route } from "./netlink-types.ts";

/**
 * Whether the node reaches the gateways of its best default routes, whoever made them, one result for each family. The gateway is
 * asked now, by ARP or neighbour discovery.
 */
export async function checkConnectivity(netlink: Netlink): Promise<readonly CheckResult[]> {
  const tables = await netlink.dump("links", "routes");
  return await Promise.all(([4, 6] as const).map((family) => checkGateway(netlink, tables, family)));
}

interface Seen {
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
}

async function checkGateway(netlink: Netlink, { links, routes }: Seen, family: 4 | 6): Promise<CheckResult> {
  const name = `IPv${family} gateway`;
  const gateway = bestGateway(routes, family);
  if (gateway === undefined) return { name, passed: false, detail: "is missing: there is no default route with one" };
  const { index, via } = gateway;
  const dev = links.find((link) => link.index === index)?.name;
  if (dev === undefined) return { name, passed: false, detail: `${via} is on a link that is gone` };
  return await askGateway(netlink, dev, via);
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
