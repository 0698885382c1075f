import type { Actual } from "../../model/actual.ts";

/** What was seen in some namespaces only, so that what is asked of them costs nothing for the others. */
export function seenIn(actual: Actual, netns: ReadonlySet<string>): Actual {
  const within = <T extends { readonly netns: string }>(objects: readonly T[]): readonly T[] =>
    objects.filter((object) => netns.has(object.netns));
  return {
    netns: actual.netns.filter(({ name }) => netns.has(name)),
    link: within(actual.link),
    ovs: [],
    address: within(actual.address),
    neighbor: within(actual.neighbor),
    fdb: within(actual.fdb),
    route: within(actual.route),
    rule: within(actual.rule),
    wireguard: within(actual.wireguard),
    nft: within(actual.nft),
    sysctl: within(actual.sysctl),
    file: [],
    process: [],
  };
}
