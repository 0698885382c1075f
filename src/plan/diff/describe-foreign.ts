import type { ActualLink, ActualNetns, ActualRoute } from "../../model/actual.ts";
import { OWNER } from "../../model/kernel.ts";
import { KEYS } from "../object-key.ts";

/** How many ports of somebody's bridge are named before the rest is counted. */
const NAMED_PORTS = 3;

/** Someone else's link that has a name of ours, in the words of ip-link(8), so that its owner can be found. */
export function foreignLinkText(seen: ActualLink, links: Iterable<ActualLink>): string {
  const ports = [...links].flatMap(({ netns, name, master }) =>
    netns === seen.netns && master === seen.name ? [name] : [],
  );
  const words = [
    seen.type,
    seen.up ? "up" : "down",
    ...(seen.master === null ? [] : [`a port of ${seen.master}`]),
    ...(ports.length === 0 ? [] : [portsText(ports)]),
    ...(seen.alias === null ? [] : [`alias "${seen.alias}"`]),
    `group ${seen.group}`,
  ];
  return `link ${KEYS.link(seen)} exists (${words.join(", ")}) and is not Netloom's`;
}

function portsText(ports: readonly string[]): string {
  const rest = ports.length - NAMED_PORTS;
  const names = ports.slice(0, NAMED_PORTS).join(", ");
  return `${ports.length === 1 ? "port" : "ports"} ${names}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** Bits of a namespace's mark that say whose daemon it is; the others say that it is Netloom's (`OWNER.linkGroup`). */
const DAEMON_BITS = 16;

/** Someone else's namespace of a name that we want. */
export function foreignNetnsText({ name, mark = 0 }: ActualNetns): string {
  const other = mark >>> DAEMON_BITS === OWNER.linkGroup ? " (another Netloom daemon made it)" : "";
  return `namespace ${name} exists${other} and is not this daemon's`;
}

/** rtm_protocol of those who make routes, as /etc/iproute2/rt_protos names them. */
const ROUTE_PROTOCOLS: Readonly<Record<number, string>> = {
  1: "redirect",
  2: "kernel",
  3: "boot",
  4: "static",
  9: "ra",
  11: "zebra",
  12: "bird",
  16: "dhcp",
  18: "keepalived",
  42: "babel",
  186: "bgp",
  188: "ospf",
};

/** Someone else's route in the place of ours. */
export function foreignRouteText(seen: ActualRoute): string {
  const proto = ROUTE_PROTOCOLS[seen.protocol] ?? String(seen.protocol);
  return `route ${KEYS.route(seen)} exists (${wayText(seen)} proto ${proto}) and is not Netloom's`;
}

function wayText({ type, dev, via, hops }: ActualRoute): string {
  if (type !== "unicast") return type;
  if (hops.length > 0) return `${hops.length} hops`;
  return `dev ${dev ?? "none"}${via === null ? "" : ` via ${via}`}`;
}
