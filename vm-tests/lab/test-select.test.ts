import test from "ava";
import fc from "fast-check";
import type { ScenarioEntry } from "../harness/scenario-list.ts";
import { ofGroup, ofShard, parseGroup, parseShard } from "./test-select.ts";

const entryOf = (name: string, index: number): ScenarioEntry => ({
  name,
  file: `vm-tests/scenarios/${name}.vm.test.ts`,
  title: name,
  group: index % 3 === 0 ? "smoke" : "full",
});
const someEntries = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/u), { maxLength: 40 })
  .map((names) => names.map(entryOf));

test("every scenario is in exactly one shard, and the shards differ in size by one at most", (t) => {
  fc.assert(
    fc.property(someEntries, fc.integer({ min: 1, max: 7 }), (entries, of) => {
      const shards = Array.from({ length: of }, (_, index) => ofShard(entries, { part: index + 1, of }));
      const names = shards.flat().map(({ name }) => name);
      t.deepEqual(names.toSorted(), entries.map(({ name }) => name).toSorted());
      const sizes = shards.map(({ length }) => length);
      t.true(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  );
});

test("a shard does not depend on the order in which scenarios were found", (t) => {
  fc.assert(
    fc.property(someEntries, (entries) => {
      const names = (list: readonly ScenarioEntry[]): readonly string[] => list.map(({ name }) => name).toSorted();
      const shard = { part: 1, of: 3 };
      t.deepEqual(names(ofShard(entries, shard)), names(ofShard(entries.toReversed(), shard)));
    }),
  );
});

test("full has smoke in it, and smoke nothing else", (t) => {
  const entries = ["a", "b", "c", "d"].map(entryOf);
  t.deepEqual(ofGroup(entries, "full"), entries);
  t.deepEqual(
    ofGroup(entries, "smoke").map(({ name }) => name),
    ["a", "d"],
  );
});

test("a shard or a group that is none is told of", (t) => {
  t.deepEqual(parseShard("2/5"), { part: 2, of: 5 });
  for (const text of ["0/5", "6/5", "2", "2/", "a/b", "1/0", "-1/2"])
    t.throws(() => parseShard(text), { message: /no shard/u }, text);
  t.throws(() => parseGroup("smoky"), { message: /there are smoke and full/u });
});
