import test from "ava";
import { Since } from "./since.ts";

test("a thing is as old as its value, and one that was not named meanwhile is new", (t) => {
  const since = new Since();
  since.see(
    [
      ["a", 1],
      ["b", 1],
    ],
    10,
  );
  since.see(
    [
      ["a", 1],
      ["b", 2],
    ],
    20,
  );
  t.deepEqual([since.of("a"), since.of("b"), since.of("c")], [10, 20, undefined]);
  since.see([["b", 2]], 30);
  since.see(
    [
      ["a", 1],
      ["b", 2],
    ],
    40,
  );
  t.deepEqual([since.of("a"), since.of("b")], [40, 20]);
});
