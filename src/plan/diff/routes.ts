import type { ActualRoute } from "../../model/actual.ts";
import { TABLE_MAIN, type RouteHop, type RouteSpec } from "../../model/kernel.ts";
import type { DiffContext } from "./context.ts";
import { foreignRouteText } from "./describe-foreign.ts";
import type { KindDiffer } from "./kind-differ.ts";

export const routeDiffer: KindDiffer<"route"> = {
  kind: "route",
  owned: (seen) => seen.owned,
  vanishes: (seen, context) =>
    context.netnsVanishes(seen.netns) ||
    // A route with several ways is there until its last link is gone, but not as it was.
    links(seen).some((dev) => context.linkVanishes(seen.netns, dev)),
  foreign: (spec, context, seen) =>
    foreignLinks(spec, context) ??
    (seen === undefined || seen.owned || sameWay(spec, seen) ? undefined : foreignRouteText(seen)),
  add: (spec) => [{ op: "route.add", args: spec }],
  // `route.add` replaces (NLM_F_REPLACE): one request, no moment without the route.
  change: (spec, seen) =>
    sameWay(spec, seen) && (!seen.owned || sameQualities(spec, seen)) ? [] : [{ op: "route.add", args: spec }],
  remove: (seen) => [{ op: "route.del", args: specOfRoute(seen) }],
};

/** The specification of a route as it was seen. */
export function specOfRoute(seen: ActualRoute): RouteSpec {
  const { netns, to, dev, via, metric, table, type, source, mtu, advmss, onlink, hops } = seen;
  return {
    kind: "route",
    netns,
    to,
    ...(dev === null ? {} : { dev }),
    ...(via === null ? {} : { via }),
    ...(metric === null ? {} : { metric }),
    ...(table === TABLE_MAIN ? {} : { table }),
    ...(type === "unicast" ? {} : { type }),
    ...(source === null ? {} : { source }),
    ...(mtu === null ? {} : { mtu }),
    ...(advmss === null ? {} : { advmss }),
    ...(onlink ? { onlink } : {}),
    ...(hops.length === 0 ? {} : { hops }),
  };
}

function links({ dev, hops }: Pick<ActualRoute, "hops"> & { readonly dev?: string | null }): readonly string[] {
  return [...(dev === undefined || dev === null ? [] : [dev]), ...hops.map((hop) => hop.dev)];
}

function foreignLinks(spec: RouteSpec, context: DiffContext): string | undefined {
  const devs = links({ ...(spec.dev === undefined ? {} : { dev: spec.dev }), hops: spec.hops ?? [] });
  if (devs.length === 0) return context.foreign(spec.netns);
  return devs.map((dev) => context.foreign(spec.netns, dev)).find((reason) => reason !== undefined);
}

/** Where packets go: enough to leave somebody's route alone that does what we want. */
function sameWay(spec: RouteSpec, seen: ActualRoute): boolean {
  return (
    (spec.dev ?? null) === seen.dev &&
    (spec.via ?? null) === seen.via &&
    (spec.type ?? "unicast") === seen.type &&
    hopsText(spec.hops ?? []) === hopsText(seen.hops)
  );
}

function sameQualities(spec: RouteSpec, seen: ActualRoute): boolean {
  return (
    (spec.source ?? null) === seen.source &&
    (spec.mtu ?? null) === seen.mtu &&
    (spec.advmss ?? null) === seen.advmss &&
    (spec.onlink ?? false) === seen.onlink
  );
}

/** The same text for the same ways, in whatever order: the kernel sorts those of IPv6. */
function hopsText(hops: readonly RouteHop[]): string {
  return hops
    .map(({ dev, via, weight = 1 }) => `${dev} ${via ?? ""} ${weight}`)
    .toSorted()
    .join(",");
}
