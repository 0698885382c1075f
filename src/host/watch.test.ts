import test from "ava";

import type { KernelDigest } from "./digest-types.ts";
import type { Dirty } from "./host.ts";
import { fromDigest } from "./watch.ts";

const NAMES = new Map([
  [3, "ndemo"],
  [4, "nother"],
]);

function digest(dirty: readonly Partial<KernelDigest["dirty"][number]>[], overrun = false): KernelDigest {
  const place = { nsid: null, kinds: [], names: [], actors: [] };
  return { overrun, own: 0, dirty: dirty.map((one) => ({ ...place, ...one })) };
}

function translated(heard: KernelDigest): Dirty | undefined {
  return fromDigest(heard, (id) => NAMES.get(id));
}

test("events mark the namespaces where they were, by their names", (t) => {
  const heard = digest([{ kinds: ["link"] }, { nsid: 3, kinds: ["address", "route"] }, { nsid: 9, kinds: ["link"] }]);
  t.deepEqual(translated(heard), {
    everything: false,
    netns: new Set(["", "ndemo"]),
    topics: new Set(),
    actors: [],
  });
});

test("lost events mark everything, whatever else was heard", (t) => {
  t.like(translated(digest([], true)), { everything: true });
  t.like(translated(digest([{ nsid: 9, kinds: ["link"] }], true)), { everything: true });
});

test("what happens where nobody of ours is marks nothing", (t) => {
  t.is(translated(digest([])), undefined);
  t.is(translated(digest([{ nsid: 9, kinds: ["link", "nft"] }])), undefined);
});

test("the end of a namespace concerns the names, and its inside no more", (t) => {
  t.like(translated(digest([{ nsid: 4, kinds: ["nsid"] }])), { netns: new Set(), topics: new Set(["names"]) });
});

test("who did it is told with the namespace", (t) => {
  const actor = { pid: 7, program: "nft", kind: "nft" } as const;
  t.deepEqual(translated(digest([{ nsid: 3, kinds: ["nft"], actors: [actor] }]))?.actors, [
    { ...actor, netns: "ndemo" },
  ]);
});
