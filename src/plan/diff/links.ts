import type { ActualLink } from "../../model/actual.ts";
import type { LinkSpec } from "../../model/kernel.ts";
import type { Step } from "../../model/step.ts";
import { KEYS } from "../object-key.ts";
import { bridgePortSteps, keepsMaster } from "./bridge-ports.ts";
import type { DiffContext } from "./context.ts";
import type { KindDiffer } from "./kind-differ.ts";
import { changeOptions } from "./link-options.ts";

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
  return seen !== undefined && !seen.owned && seen.adopted && portOfOurs(seen, context);
}

function portOfOurs({ netns, master, masterOwned }: ActualLink, context: DiffContext): boolean {
  return masterOwned && master !== null && !context.linkVanishes(netns, master);
}

function addLink(spec: LinkSpec, context: DiffContext): readonly Step[] {
  if (spec.formerName !== undefined) return rename(spec, context);
  // A physical NIC that is absent is awaited.
  if (spec.type === "physical") return context.ovsLinks.has(KEYS.link(spec)) ? setUp(spec) : [];
  const ports = bridgePortSteps(spec, undefined, context);
  // The far end of a veth pair is born with the near one, into no bridge.
  if (spec.bornWith !== undefined)
    return [...(entersBond(spec, context) ? [down(spec)] : []), ...joinMaster(spec), ...ports];
  const made = withFarMtu(spec, context);
  if (joinsLater(spec, context)) {
    const { master: _later, ...alone } = made;
    // A bond takes no port that is switched on, and switches it on itself.
    const args = entersBond(spec, context) ? { ...alone, down: true as const } : alone;
    return [{ op: "link.add", args }, ...joinMaster(spec), ...ports];
  }
  if (made.type !== "bond" || made.options.primary === undefined) return [{ op: "link.add", args: made }, ...ports];
  // The kernel wants a port that is there already.
  const { primary, ...options } = made.options;
  const { netns, name, type } = made;
  return [
    { op: "link.add", args: { ...made, options } },
    { op: "link.set", args: { netns, name, options: { type, set: { primary } } } },
    ...ports,
  ];
}

/** Names that two NICs exchange go by a third one (plan/renames.ts); one that somebody else has, the kernel refuses. */
function rename({ netns, name: to, formerName: name = "" }: LinkSpec, context: DiffContext): readonly Step[] {
  return context.links.has(KEYS.link({ netns, name })) ? [{ op: "link.rename", args: { netns, name, to } }] : [];
}

/** A link that Open vSwitch makes in this round. */
function setUp({ netns, name, mac, mtu }: LinkSpec): readonly Step[] {
  const changes = { ...(mac === undefined ? {} : { mac }), ...(mtu === undefined ? {} : { mtu }) };
  return [{ op: "link.set", args: { netns, name, up: true, ...changes } }];
}

/** True when the request that makes the link cannot name its master: it is sent elsewhere. */
function joinsLater(spec: LinkSpec, context: DiffContext): boolean {
  return (
    entersBond(spec, context) ||
    (spec.master !== undefined && (spec.type === "wireguard" || (spec.lower ?? spec).netns !== spec.netns))
  );
}

function withFarMtu(spec: LinkSpec, context: DiffContext): LinkSpec {
  const { peer } = spec;
  const mtu = peer === undefined ? undefined : context.wantedLinks.get(KEYS.link(peer))?.mtu;
  return peer === undefined || mtu === undefined ? spec : { ...spec, peer: { ...peer, mtu } };
}

function joinMaster({ netns, name, master }: LinkSpec): readonly Step[] {
  return master === undefined ? [] : [{ op: "link.set", args: { netns, name, master } }];
}

function down({ netns, name }: LinkSpec): Step {
  return { op: "link.set", args: { netns, name, up: false } };
}

function entersBond(spec: LinkSpec, context: DiffContext): boolean {
  if (spec.master === undefined) return false;
  return context.wantedLinks.get(KEYS.link({ netns: spec.netns, name: spec.master }))?.type === "bond";
}

function changeLink(spec: LinkSpec, seen: ActualLink, context: DiffContext): readonly Step[] {
  if (spec.formerName !== undefined) return rename(spec, context);
  const { netns, name } = spec;
  const move = masterChange(spec, seen, context);
  const bonded = entersBond(spec, context);
  const enslaved = typeof move.master === "string" && bonded;
  const changes = {
    ...(seen.up || enslaved ? {} : { up: true as const }),
    // A bond gives its ports one address, and each its own back when it leaves.
    ...(bonded || spec.mac === undefined || spec.mac === seen.mac ? {} : { mac: spec.mac }),
    ...(spec.mtu === undefined || spec.mtu === seen.mtu ? {} : { mtu: spec.mtu }),
    ...move,
  };
  return [
    ...(enslaved && seen.up ? [down(spec)] : []),
    ...(Object.keys(changes).length === 0 ? [] : [{ op: "link.set", args: { netns, name, ...changes } } as const]),
    ...changeOptions(spec, seen),
    ...bridgePortSteps(spec, seen, context),
  ];
}

function masterChange(spec: LinkSpec, seen: ActualLink, context: DiffContext): { readonly master?: string | null } {
  if (spec.master !== undefined) return keepsMaster(spec, seen, context) ? {} : { master: spec.master };
  // A link leaves our bridge when no document wants it there; somebody else's bridge is theirs.
  return isOurPort(seen, context) || (seen.owned && portOfOurs(seen, context)) ? { master: null } : {};
}

/**
 * Removal of every link that vanishes, one step per veth pair; links inside a vanishing namespace go with it, but for those that sit
 * on a link outside.
 */
export function removeLinks(context: DiffContext): readonly Step[] {
  const covered = new Set<string>();
  for (const spec of context.wantedLinks.values()) {
    if (spec.peer !== undefined && context.links.has(KEYS.link(spec))) covered.add(KEYS.link(spec.peer));
  }
  // What Open vSwitch made goes with its bridge or port.
  const vanishing = [...context.links.values()].filter(
    ({ netns, name, owned }) => owned && context.linkVanishes(netns, name),
  );
  const byIndex = Map.groupBy(vanishing, ({ index }) => index);
  const going: ActualLink[] = [];
  for (const link of vanishing) {
    // One that sits on a link elsewhere would hold that link until the kernel has come to the end of the namespace: a NIC under a
    // macvlan is busy for 76 ms (measured), and cannot become the port of a bridge.
    const goesAlong = context.netnsVanishes(link.netns) && !sitsOutside(link);
    if (goesAlong || covered.has(KEYS.link(link))) continue;
    going.push(link);
    const other = otherEnd(link, byIndex);
    if (other !== undefined) covered.add(KEYS.link(other));
  }
  // What sits on another link goes before it, since it would go with it.
  return going
    .toSorted((a, b) => depth(b, context) - depth(a, context))
    .map(({ netns, name }) => ({ op: "link.del", args: { netns, name } }));
}

/** True when it sits on a link of another namespace. */
function sitsOutside({ netns, lower }: ActualLink): boolean {
  return lower === "unknown" || (lower !== null && lower.netns !== netns);
}

/** The other end of a pair that nobody wants; undefined when numbers of several namespaces fit, or it stays. */
function otherEnd(
  { index, peerIndex }: ActualLink,
  vanishing: ReadonlyMap<number, readonly ActualLink[]>,
): ActualLink | undefined {
  if (peerIndex === null) return undefined;
  const [first, second] = (vanishing.get(peerIndex) ?? []).filter((link) => link.peerIndex === index);
  return second === undefined ? first : undefined;
}

/** How many links it sits on, one upon the other; the kernel allows eight. */
function depth(link: ActualLink, context: DiffContext): number {
  let levels = 0;
  for (let { lower } = link; typeof lower === "object" && lower !== null && levels < MOST_LEVELS; levels += 1)
    lower = context.links.get(KEYS.link(lower))?.lower ?? null;
  return levels;
}

/** MAX_NEST_DEV of net/core/dev.c. */
const MOST_LEVELS = 8;
