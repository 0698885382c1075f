import type { Actual, ActualLink } from "../../model/actual.ts";
import {
  HOST,
  type KernelObjects,
  type LinkId,
  type LinkSpec,
  type ObjectKind,
  type Target,
  OWNER,
} from "../../model/kernel.ts";
import { KEYS } from "../object-key.ts";
import { foreignLinkText, foreignNetnsText } from "./describe-foreign.ts";
import { fixedOptionDiffers } from "./link-options.ts";
import { linksOfOvs, observedOvsLinks, vanishingOvsLinks } from "./ovs.ts";

/** What the differs of all kinds need to know about namespaces and links before they can judge what is on them. */
export interface DiffContext {
  readonly actual: Actual;
  /** The wish, by kind. */
  readonly wanted: TargetByKind;
  /** Observed links by key. */
  readonly links: ReadonlyMap<string, ActualLink>;
  /** Wanted links by key. */
  readonly wantedLinks: ReadonlyMap<string, LinkSpec>;
  /** Links that wanted bridges of Open vSwitch make, by key. */
  readonly ovsLinks: ReadonlySet<string>;
  /** Observed links that stand on one that Open vSwitch made, by key. */
  readonly overOvs: ReadonlySet<string>;
  /** The links that wanted kernel parameters belong to, by the parameter's key. */
  readonly wantedSysctlLinks: ReadonlyMap<string, string>;
  /** Keys of forwarding entries of a bridge that name no VLAN: the kernel has one for each VLAN of the port beside them. */
  readonly broadFdb: { readonly seen: ReadonlySet<string>; readonly wanted: ReadonlySet<string> };
  /** True when the namespace is about to disappear with all that is in it. */
  readonly netnsVanishes: (netns: string) => boolean;
  /** True when the link is about to disappear, with its addresses and routes. */
  readonly linkVanishes: (netns: string, name: string) => boolean;
  /** Why a namespace or link must not be touched although we want it, or undefined. */
  readonly foreign: (netns: string, name?: string) => string | undefined;
}

type TargetByKind = { readonly [K in ObjectKind]?: readonly KernelObjects[K][] };

interface ForeignPlace {
  /** Keys of links that make room. */
  readonly vanishing: ReadonlySet<string>;
  readonly foreignPlace: (netns: string) => string | undefined;
}

export function diffContext(actual: Actual, target: Target): DiffContext {
  const wanted = Object.groupBy(target, ({ kind }) => kind) as TargetByKind;
  const links = new Map(actual.link.map((link) => [KEYS.link(link), link]));
  const wantedLinks = new Map(wanted.link?.map((link) => [KEYS.link(link), link] as const));
  const wantedNetns = new Set(wanted.netns?.map(({ name }) => name));
  const ownedNetns = new Set(actual.netns.flatMap((netns) => (netns.owned ? [netns.name] : [])));
  const foreignNetns = new Map(
    actual.netns.flatMap((netns) =>
      !netns.owned && wantedNetns.has(netns.name) ? [[netns.name, netns] as const] : [],
    ),
  );

  const netnsVanishes = (netns: string): boolean => ownedNetns.has(netns) && !wantedNetns.has(netns);
  const vanishing = vanishingLinks(links, wantedLinks, netnsVanishes, vanishingOvsLinks(actual.ovs, wanted.ovs));
  const foreignPlace = (name: string): string | undefined => {
    const netns = foreignNetns.get(name);
    return netns === undefined ? undefined : foreignNetnsText(netns);
  };
  return {
    actual,
    wanted,
    links,
    wantedLinks,
    ovsLinks: linksOfOvs(wanted.ovs),
    overOvs: linksOver(links, observedOvsLinks(actual.ovs)),
    wantedSysctlLinks: new Map(
      wanted.sysctl?.flatMap((object) =>
        object.dev === undefined ? [] : [[KEYS.sysctl(object), object.dev] as const],
      ),
    ),
    broadFdb: {
      seen: new Set(actual.fdb.flatMap((entry) => (entry.vlan === null ? [KEYS.fdb(entry)] : []))),
      wanted: new Set(wanted.fdb?.flatMap((entry) => (entry.vlan === undefined ? [KEYS.fdb(entry)] : []))),
    },
    netnsVanishes,
    linkVanishes: (netns, name) => vanishing.size > 0 && vanishing.has(KEYS.link({ netns, name })),
    foreign: foreignness({ links, wantedLinks, vanishing, foreignPlace }, foreignNetns.size > 0),
  };
}

/** `foreign` of a context. Where nothing is someone else's there is nothing to look up, and else each link is looked up once. */
function foreignness(
  known: Pick<DiffContext, "links" | "wantedLinks"> & ForeignPlace,
  foreignPlaces: boolean,
): DiffContext["foreign"] {
  const { links, wantedLinks, foreignPlace } = known;
  const suspects = [...links].some(([key, link]) => !link.owned && wantedLinks.has(key));
  if (!suspects && !foreignPlaces) return () => undefined;
  const found = new Map<string, string | undefined>();
  return (netns, name) => {
    const place = foreignPlace(netns);
    if (place !== undefined || name === undefined) return place;
    const key = KEYS.link({ netns, name });
    if (!found.has(key)) found.set(key, foreignLink(known, { netns, name }));
    return found.get(key);
  };
}

/** Why a wanted link cannot be had: it, what it is a port of, or the other end of its pair is someone else's. */
function foreignLink(
  { links, wantedLinks, vanishing, foreignPlace }: Pick<DiffContext, "links" | "wantedLinks"> & ForeignPlace,
  id: LinkId,
): string | undefined {
  const own = (link: LinkId): string | undefined => {
    const place = foreignPlace(link.netns);
    if (place !== undefined) return place;
    const key = KEYS.link(link);
    const [seen, wanted] = [links.get(key), wantedLinks.get(key)];
    if (seen === undefined || seen.owned || wanted === undefined || vanishing.has(key)) return undefined;
    if (wanted.type !== "physical") return foreignLinkText(seen, links.values());
    if (wanted.master === undefined || seen.master === null || seen.masterOwned) return undefined;
    return `link ${key} is a port of ${seen.master}, which is not Netloom's`;
  };
  const wanted = wantedLinks.get(KEYS.link(id));
  if (wanted === undefined) return undefined;
  // The end that is created stands for its pair.
  const near = wanted.bornWith ?? wanted;
  const { peer, master } = wantedLinks.get(KEYS.link(near)) ?? {};
  return (
    own(near) ??
    (wanted.type === "wireguard" && wanted.bornIn !== undefined ? foreignPlace(wanted.bornIn) : undefined) ??
    (peer === undefined ? undefined : own(peer)) ??
    (master === undefined ? undefined : own({ netns: near.netns, name: master }))
  );
}

/** Links that go with our bridges of Open vSwitch, and our own that are not wanted, or wanted otherwise than a change could make them; a veth takes its other end along. */
function vanishingLinks(
  links: ReadonlyMap<string, ActualLink>,
  wanted: ReadonlyMap<string, LinkSpec>,
  netnsVanishes: (netns: string) => boolean,
  withOvs: readonly string[],
): ReadonlySet<string> {
  const vanishing = new Set(withOvs);
  if (links.size === 0) return vanishing;
  for (const [key, link] of links) {
    if (!link.owned || link.type === "loopback") continue;
    const spec = wanted.get(key);
    if (spec === undefined || mustBeRemade(spec, link) || netnsVanishes(link.netns)) vanishing.add(key);
  }
  // Pairs are known from the wish: either end missing, vanishing or paired elsewhere means that both are made anew.
  for (const [key, spec] of wanted) {
    if (spec.peer === undefined) continue;
    const peerKey = KEYS.link(spec.peer);
    const [a, b] = [links.get(key), links.get(peerKey)];
    if (a !== undefined && b !== undefined && !vanishing.has(key) && !vanishing.has(peerKey) && paired(a, b)) continue;
    for (const [end, link] of [
      [key, a],
      [peerKey, b],
    ] as const)
      if (link?.owned === true) vanishing.add(end);
  }
  takeUppersAlong(links, vanishing);
  return vanishing;
}

/** What a change cannot make of the link. */
function mustBeRemade(spec: LinkSpec, seen: ActualLink): boolean {
  return (
    isDoomed(seen) ||
    spec.type !== seen.type ||
    fixedOptionDiffers(spec, seen) ||
    (spec.type === "wireguard" && (spec.bornIn ?? HOST) !== seen.bornIn) ||
    (seen.lower !== "unknown" && lowerKey(spec.lower ?? null) !== lowerKey(seen.lower))
  );
}

/** It was about to be deleted when we ended; it is finished with, whatever it looks like. */
function isDoomed({ group }: ActualLink): boolean {
  return group >>> 16 === OWNER.doomed;
}

function lowerKey(lower: ActualLink["lower"]): string {
  return lower === null || lower === "unknown" ? "" : KEYS.link(lower);
}

/** The links of ours that sit on some of these, directly or on another one. */
function linksOver(links: ReadonlyMap<string, ActualLink>, lowers: readonly string[]): ReadonlySet<string> {
  const all = new Set(lowers);
  if (all.size === 0) return all;
  takeUppersAlong(links, all);
  return all.difference(new Set(lowers));
}

/** A link goes with the link that it sits on, and so do those that sit on it. */
function takeUppersAlong(links: ReadonlyMap<string, ActualLink>, vanishing: Set<string>): void {
  const uppers = Map.groupBy(
    [...links.values()].filter((link) => link.lower !== null && link.owned),
    ({ lower }) => lowerKey(lower),
  );
  if (uppers.size === 0) return;
  // A set is walked in the order of insertion, what is added on the way too.
  for (const key of vanishing) for (const upper of uppers.get(key) ?? []) vanishing.add(KEYS.link(upper));
}

function paired(a: ActualLink, b: ActualLink): boolean {
  return a.peerIndex === b.index && b.peerIndex === a.index;
}
