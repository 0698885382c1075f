import type { ActualLink } from "../../model/actual.ts";
import type { LinkSpec } from "../../model/kernel.ts";
import type { Step } from "../../model/step.ts";
import { KEYS } from "../object-key.ts";
import type { DiffContext } from "./context.ts";
import type { KindDiffer } from "./kind-differ.ts";

export const netnsDiffer: KindDiffer<"netns"> = {
  kind: "netns",
  owned: (seen) => seen.owned,
  vanishes: () => false,
  foreign: (spec, context) => context.foreign(spec.name),
  add: ({ name }) => [{ op: "netns.add", args: { name } }],
  change: () => [],
  remove: ({ name }) => [{ op: "netns.del", args: { name } }],
};

export const linkDiffer: KindDiffer<"link"> = {
  kind: "link",
  // A NIC is never ours, its place in our bridge is.
  owned: (seen, context) => (seen.owned && seen.type !== "loopback") || isOurPort(seen, context),
  // A link that has to go is removed by a step of its own (below), so that its name is free at once:
  // the kernel takes down the links of a deleted namespace some time later.
  vanishes: (seen, context) => context.linkVanishes(seen.netns, seen.name),
  foreign: (spec, context) => context.foreign(spec.netns, spec.name),
  add: addLink,
  change: changeLink,
  remove: ({ netns, name }, context) =>
    isOurPort(context.links.get(KEYS.link({ netns, name })), context)
      ? [{ op: "link.set", args: { netns, name, master: null } }]
      : [],
};

/** A port of a bridge of ours that stays, adopted from someone else. What others plug into our bridges is theirs. */
function isOurPort(seen: ActualLink | undefined, context: DiffContext): boolean {
  return (
    seen !== undefined &&
    !seen.owned &&
    seen.adopted &&
    seen.masterOwned &&
    seen.master !== null &&
    !context.linkVanishes(seen.netns, seen.master)
  );
}

function addLink(spec: LinkSpec): readonly Step[] {
  // A physical NIC that is absent is awaited, and the far end of a veth pair is born with the near one.
  return spec.type === "physical" || spec.bornWith !== undefined ? [] : [{ op: "link.add", args: spec }];
}

function changeLink(spec: LinkSpec, seen: ActualLink, context: DiffContext): readonly Step[] {
  const { netns, name } = spec;
  const changes = {
    ...(seen.up ? {} : { up: true as const }),
    ...(spec.mac === undefined || spec.mac === seen.mac ? {} : { mac: spec.mac }),
    ...(spec.mtu === undefined || spec.mtu === seen.mtu ? {} : { mtu: spec.mtu }),
    ...masterChange(spec, seen, context),
  };
  return Object.keys(changes).length === 0 ? [] : [{ op: "link.set", args: { netns, name, ...changes } }];
}

function masterChange(spec: LinkSpec, seen: ActualLink, context: DiffContext): { readonly master?: string | null } {
  // An adopted NIC leaves our bridge when no document wants it there; somebody else's bridge is theirs.
  if (spec.master === undefined) return isOurPort(seen, context) ? { master: null } : {};
  const kept = spec.master === seen.master && !context.linkVanishes(seen.netns, spec.master);
  return kept ? {} : { master: spec.master };
}

/** Removal of every link that vanishes, one step per veth pair; links inside a vanishing namespace go with it. */
export function removeLinks(context: DiffContext): readonly Step[] {
  const covered = new Set<string>();
  for (const spec of context.wantedLinks.values()) {
    if (spec.peer !== undefined && context.links.has(KEYS.link(spec))) covered.add(KEYS.link(spec.peer));
  }
  return [...context.links.values()].flatMap((link): readonly Step[] => {
    const { netns, name } = link;
    if (!context.linkVanishes(netns, name) || context.netnsVanishes(netns) || covered.has(KEYS.link(link))) return [];
    return [{ op: "link.del", args: { netns, name } }];
  });
}
