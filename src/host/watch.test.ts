import test from "ava";
import type { KernelDigest } from "./digest-types.ts";
import { fromDigest } from "./watch.ts";

const names = new Map([[7, "ndemo"]]);
const read = (digest: Partial<KernelDigest>): ReturnType<typeof fromDigest> =>
  fromDigest({ overrun: false, own: 0, dirty: [], ...digest }, (id) => names.get(id));

test("a digest marks the namespaces that we look at, by name, and tells who did it where", (t) => {
  const actor = { pid: 4711, program: "ip", kind: "route" } as const;
  const dirty = read({
    dirty: [
      { nsid: null, kinds: ["link"], names: ["eth0"], actors: [] },
      { nsid: 7, kinds: ["route"], names: [], actors: [actor] },
      { nsid: 9, kinds: ["link"], names: ["theirs"], actors: [] },
    ],
  });
  t.deepEqual(dirty, {
    everything: false,
    netns: new Set(["", "ndemo"]),
    topics: new Set(),
    actors: [{ ...actor, netns: "ndemo" }],
  });
});

test("what happens in namespaces that nobody looks at is nothing", (t) => {
  t.is(read({ dirty: [{ nsid: 9, kinds: ["link"], names: [], actors: [] }] }), undefined);
  t.is(read({}), undefined);
});

test("a namespace that comes or goes is no reason to look into others", (t) => {
  const dirty = read({ dirty: [{ nsid: null, kinds: ["nsid"], names: [], actors: [] }] });
  t.deepEqual([dirty?.netns, dirty?.topics], [new Set(), new Set(["names"])]);
});

test("events that were lost mean that everything may have changed", (t) => {
  t.like(read({ overrun: true }), { everything: true });
});
