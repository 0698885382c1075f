import type { ActualRoute } from "../../model/actual.ts";
import type { RouteSpec } from "../../model/kernel.ts";
import { KEYS } from "../object-key.ts";
import type { KindDiffer } from "./kind-differ.ts";

export const addressDiffer: KindDiffer<"address"> = {
  kind: "address",
  owned: (seen) => seen.owned,
  vanishes: (seen, context) => context.linkVanishes(seen.netns, seen.dev),
  foreign: (spec, context) => context.foreign(spec.netns, spec.dev),
  add: (spec) => [{ op: "address.add", args: spec }],
  change: () => [],
  remove: ({ netns, dev, address }) => [{ op: "address.del", args: { kind: "address", netns, dev, address } }],
};

export const routeDiffer: KindDiffer<"route"> = {
  kind: "route",
  owned: (seen) => seen.owned,
  vanishes: (seen, context) => context.linkVanishes(seen.netns, seen.dev),
  foreign: (spec, context, seen) =>
    context.foreign(spec.netns, spec.dev) ??
    (seen === undefined || seen.owned || sameRoute(spec, seen)
      ? undefined
      : `route ${KEYS.route(spec)} exists (dev ${seen.dev}${seen.via === null ? "" : ` via ${seen.via}`}) and is not Netloom's`),
  add: (spec) => [{ op: "route.add", args: spec }],
  // `route.add` replaces (NLM_F_REPLACE): one request, no moment without the route.
  change: (spec, seen) => (sameRoute(spec, seen) ? [] : [{ op: "route.add", args: spec }]),
  remove: ({ netns, to, dev, via, metric }) => [
    {
      op: "route.del",
      args: { kind: "route", netns, to, dev, ...(via === null ? {} : { via }), ...(metric === null ? {} : { metric }) },
    },
  ],
};

function sameRoute(spec: RouteSpec, seen: ActualRoute): boolean {
  return spec.dev === seen.dev && (spec.via ?? null) === seen.via;
}

export const sysctlDiffer: KindDiffer<"sysctl"> = {
  kind: "sysctl",
  owned: () => false,
  // A link that is made anew has the kernel's defaults: its parameters are set again after it, in the same round.
  vanishes: (seen, context) => {
    const dev = context.wantedSysctlLinks.get(KEYS.sysctl(seen));
    return context.netnsVanishes(seen.netns) || (dev !== undefined && context.linkVanishes(seen.netns, dev));
  },
  foreign: (spec, context) => context.foreign(spec.netns, spec.dev),
  add: (spec) => [{ op: "sysctl.set", args: spec }],
  change: (spec, seen) => (spec.value === seen.value ? [] : [{ op: "sysctl.set", args: spec }]),
  remove: () => [],
};
