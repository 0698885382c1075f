import fc from "fast-check";
import { HOST, type KernelObject, type LinkSpec } from "../model/kernel.ts";
import type { OvsPortSpec, OvsSpec } from "../model/ovs.ts";
import { given, maybe } from "./arbitraries.ts";

export type Datapath = NonNullable<OvsSpec["datapathType"]>;

const vlans = fc.record({
  tag: maybe(fc.constantFrom(5, 6)),
  trunks: maybe(fc.constantFrom([7], [8, 7])),
  vlanMode: maybe(fc.constantFrom("native-untagged" as const, "native-tagged" as const)),
});

/** Links that Open vSwitch takes. */
const TAKEN = ["v0", "w", "d0", "if0"] as const;

const INTERNAL = "in0";

const bridgeWish = fc.record({
  local: maybe(vlans),
  /** A link that it makes beside its own. */
  internal: maybe(vlans),
  ports: fc.uniqueArray(fc.record({ name: fc.constantFrom(...TAKEN), vlans }), { selector: ({ name }) => name }),
  address: fc.boolean(),
  macvlan: fc.boolean(),
});

type BridgeWish = typeof bridgeWish extends fc.Arbitrary<infer T> ? T : never;

/** Bridges of Open vSwitch in the node, with ports among the links that it will have, and what stands on the links that they make. */
export function anyOvs(
  datapaths: readonly Datapath[],
): fc.Arbitrary<(links: readonly LinkSpec[]) => readonly KernelObject[]> {
  if (datapaths.length === 0) return fc.constant(() => []);
  return fc
    .record({ ob0: maybe(bridgeWish), ob1: maybe(bridgeWish), datapathType: fc.constantFrom(...datapaths) })
    .map(({ ob0, ob1, datapathType }) => (links) => {
      const free = new Set([
        INTERNAL,
        ...links.flatMap(({ netns, name, master }) => (netns === HOST && master === undefined ? [name] : [])),
      ]);
      return [
        ...(ob0 === undefined ? [] : bridge("ob0", datapathType, ob0, free)),
        ...(ob1 === undefined ? [] : bridge("ob1", datapathType, ob1, free)),
      ];
    });
}

/** A port that one bridge has is not free for the next. */
function bridge(name: string, datapathType: Datapath, wish: BridgeWish, free: Set<string>): readonly KernelObject[] {
  const ports: readonly OvsPortSpec[] = [
    ...(wish.local === undefined ? [] : [{ name, ...given(wish.local) }]),
    // Either bridge may make it, but not both.
    ...(wish.internal !== undefined && free.delete(INTERNAL)
      ? [{ name: INTERNAL, type: "internal" as const, ...given(wish.internal) }]
      : []),
    ...wish.ports.flatMap((port) => (free.delete(port.name) ? [{ name: port.name, ...given(port.vlans) }] : [])),
  ];
  return [
    { kind: "ovs", name, ...(datapathType === "system" ? {} : { datapathType }), ports },
    ...(wish.address ? [{ kind: "address", netns: HOST, dev: name, address: "10.6.0.1/24" } as const] : []),
    ...(wish.macvlan
      ? [
          {
            kind: "link",
            netns: HOST,
            name: `m-${name}`,
            type: "macvlan",
            options: { mode: "bridge" },
            lower: { netns: HOST, name },
          } as const,
        ]
      : []),
  ];
}
