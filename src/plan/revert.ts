import type { Actual, ActualLink } from "../model/actual.ts";
import { HOST, type KernelObject, type LinkSpec, type RouteSpec, type Target } from "../model/kernel.ts";
import type { Step } from "../model/step.ts";
import { diff, type Difference } from "./diff/index.ts";
import { specOfRoute } from "./diff/routes.ts";
import { specOfNeighbor } from "./diff/tables.ts";
import { KEYS } from "./object-key.ts";

const DEFAULT_ROUTES = new Set(["0.0.0.0/0", "::/0"]);

/** True when a step may cut the node off: it changes the uplink, what is on it, a default route or a rule of the node. */
export function touchesUplink(steps: readonly Step[], uplink: string): boolean {
  return steps.some((step) => touches(step, uplink));
}

function touches({ op, args }: Step, uplink: string): boolean {
  // A NIC that is a port of Open vSwitch carries nothing of its own any more.
  if (op === "ovs.set") return args.ports.some(({ name }) => name === uplink);
  if (op === "ovs.unport" || op === "ovs.del") return args.ports.includes(uplink);
  if (!("netns" in args) || args.netns !== HOST) return false;
  switch (op) {
    // What is plugged into it or stands on it may take its traffic.
    case "link.add":
      return [args.name, args.master, args.lower?.name].includes(uplink);
    case "link.set":
      return args.name === uplink || args.master === uplink;
    case "link.del":
    case "link.rename":
    case "link.port":
    case "vlan.add":
    case "vlan.del":
      return args.name === uplink;
    case "address.add":
    case "address.del":
    case "neighbor.add":
    case "neighbor.del":
    case "fdb.add":
    case "fdb.del":
    case "sysctl.set":
      return args.dev === uplink;
    case "route.add":
    case "route.del":
      return DEFAULT_ROUTES.has(args.to) || leadsBy(args, uplink);
    case "rule.add":
    case "rule.del":
      return true;
    default:
      return false;
  }
}

function leadsBy({ dev, hops = [] }: Pick<RouteSpec, "dev" | "hops">, uplink: string): boolean {
  return dev === uplink || hops.some((hop) => hop.dev === uplink);
}

/** Uplinks as they are, in the words of a target: what `revert` goes back to. Only what is ours, since nothing else is changed. */
export function uplinkTarget(actual: Actual, uplinks: readonly string[]): Target {
  const { link, address, route, neighbor, rule } = uplinkOnly(actual, uplinks);
  return [
    ...link.flatMap(specOfLink),
    ...address.filter(ours).map(({ netns, dev, address: text, validUntil, preferredUntil }): KernelObject => ({
      kind: "address",
      netns,
      dev,
      address: text,
      ...(validUntil === null ? {} : { validUntil }),
      ...(preferredUntil === null ? {} : { preferredUntil }),
    })),
    ...neighbor.filter(ours).map(specOfNeighbor),
    ...route.filter(ours).map(specOfRoute),
    ...rule.filter(ours).map(({ owned: _owned, ...members }): KernelObject => ({ kind: "rule", ...members })),
  ];
}

function ours({ owned }: { readonly owned: boolean }): boolean {
  return owned;
}

/** A NIC, whatever is behind it, with the master that we gave it; or our bridge above one. */
function specOfLink({ netns, name, type, mac, mtu, master, adopted, owned }: ActualLink): readonly LinkSpec[] {
  if (owned) return type === "bridge" ? [{ kind: "link", netns, name, type, mac: mac ?? "", mtu }] : [];
  return [{ kind: "link", netns, name, type: "physical", mtu, ...(adopted && master !== null ? { master } : {}) }];
}

/** The steps back to a checkpoint of uplinks. Nothing else is touched, whatever else differs. */
export function revert(now: Actual, checkpoint: Target): Difference {
  const uplinks = checkpoint.flatMap((object) => (object.kind === "link" ? [object.name] : []));
  if (uplinks.length === 0) return { steps: [], foreign: [] };
  const wanted = new Set(checkpoint.flatMap((object) => (object.kind === "route" ? [KEYS.route(object)] : [])));
  return diff(uplinkOnly(now, uplinks, wanted), checkpoint);
}

/** What is on uplinks, beside default routes and rules, which decide about them too. */
function uplinkOnly(actual: Actual, uplinks: readonly string[], routes: ReadonlySet<string> = new Set()): Actual {
  const here = (object: { readonly netns: string; readonly dev: string | null }): boolean =>
    object.netns === HOST && object.dev !== null && uplinks.includes(object.dev);
  return {
    netns: [],
    link: actual.link.filter(({ netns, name }) => here({ netns, dev: name })),
    ovs: [],
    address: actual.address.filter(here),
    neighbor: actual.neighbor.filter(here),
    fdb: [],
    route: actual.route.filter(
      (route) =>
        route.netns === HOST &&
        (DEFAULT_ROUTES.has(route.to) ||
          here(route) ||
          route.hops.some(({ dev }) => uplinks.includes(dev)) ||
          routes.has(KEYS.route(route))),
    ),
    rule: actual.rule.filter(({ netns }) => netns === HOST),
    wireguard: [],
    nft: [],
    sysctl: [],
    file: [],
    process: [],
  };
}
