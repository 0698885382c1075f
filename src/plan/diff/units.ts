import type { Actual } from "../../model/actual.ts";
import { HOST, type ObjectKind, type Target } from "../../model/kernel.ts";
import { ovsPorts } from "../../model/ovs.ts";
import { KEYS, objectKey } from "../object-key.ts";
import { diff, type Difference } from "./index.ts";

type Seen<K extends ObjectKind> = Actual[K][number];

/** What was observed, by kind and key: made once for a look, asked for each unit. */
export type ActualIndex = { readonly [K in ObjectKind]: ReadonlyMap<string, Seen<K>> };

export function indexActual(actual: Actual): ActualIndex {
  const index = <K extends ObjectKind>(kind: K): ReadonlyMap<string, Seen<K>> => {
    const key = KEYS[kind] as (object: Seen<K>) => string;
    const objects: readonly Seen<K>[] = actual[kind];
    return new Map(objects.map((object) => [key(object), object]));
  };
  return {
    netns: index("netns"),
    link: index("link"),
    ovs: index("ovs"),
    sysctl: index("sysctl"),
    address: index("address"),
    neighbor: index("neighbor"),
    fdb: index("fdb"),
    route: index("route"),
    rule: index("rule"),
    nft: index("nft"),
    wireguard: index("wireguard"),
    file: index("file"),
    process: index("process"),
  };
}

/**
 * The steps from one unit's wish to its next (both may be empty). Only what either names is looked at, so the cost does
 * not grow with the rest of the node; what they stand on (a LAN's bridge, a namespace) has to be there and to stay.
 */
export function diffUnits(index: ActualIndex, before: Target, after: Target): Difference {
  return diff(pick(index, [...before, ...after]), after);
}

function pick(index: ActualIndex, objects: Target): Actual {
  const keys = new Map<ObjectKind, Set<string>>();
  const want = (kind: ObjectKind, key: string): void => {
    const known = keys.get(kind);
    if (known === undefined) keys.set(kind, new Set([key]));
    else known.add(key);
  };
  for (const object of objects) {
    want(object.kind, objectKey(object));
    // A port is judged by its link.
    if (object.kind === "ovs") for (const { name } of ovsPorts(object)) want("link", KEYS.link({ netns: HOST, name }));
    // Someone else's link of that name has to be known, to be left alone.
    if (object.kind === "link" && object.peer !== undefined) want("link", KEYS.link(object.peer));
  }
  const take = <K extends ObjectKind>(kind: K): readonly Seen<K>[] =>
    [...(keys.get(kind) ?? [])].flatMap((key) => {
      const seen = index[kind].get(key);
      return seen === undefined ? [] : [seen];
    });
  return {
    netns: take("netns"),
    link: take("link"),
    ovs: take("ovs"),
    sysctl: take("sysctl"),
    address: take("address"),
    neighbor: take("neighbor"),
    fdb: take("fdb"),
    route: take("route"),
    rule: take("rule"),
    nft: take("nft"),
    wireguard: take("wireguard"),
    file: take("file"),
    process: take("process"),
  };
}
