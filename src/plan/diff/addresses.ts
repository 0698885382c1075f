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
  foreign: (spec, context) => context.foreign(spec.netns, spec.dev),
  add: (spec) => [{ op: "route.add", args: spec }],
  // `route.add` replaces (NLM_F_REPLACE): one request, no moment without the route.
  change: (spec, seen) =>
    spec.dev === seen.dev && (spec.via ?? null) === seen.via ? [] : [{ op: "route.add", args: spec }],
  remove: ({ netns, to, dev, via, metric }) => [
    {
      op: "route.del",
      args: { kind: "route", netns, to, dev, ...(via === null ? {} : { via }), ...(metric === null ? {} : { metric }) },
    },
  ],
};

export const sysctlDiffer: KindDiffer<"sysctl"> = {
  kind: "sysctl",
  owned: () => false,
  vanishes: (seen, context) => context.netnsVanishes(seen.netns),
  foreign: (spec, context) => context.foreign(spec.netns),
  add: (spec) => [{ op: "sysctl.set", args: spec }],
  change: (spec, seen) => (spec.value === seen.value ? [] : [{ op: "sysctl.set", args: spec }]),
  remove: () => [],
};
