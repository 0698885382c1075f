import test from "ava";
import { DirtyMarks } from "./dirty.ts";

const HOUR_MS = 3_600_000;
const CLEAN = { everything: false, netns: new Set<string>(), topics: new Set<never>(), actors: [] };

test("the first look is at everything, the next ones where something happened, each once", (t) => {
  const marks = new DirtyMarks(HOUR_MS);
  t.is(marks.take(), "all");
  t.deepEqual(marks.take(), new Set());
  marks.mark({ ...CLEAN, netns: new Set(["a"]) });
  marks.mark({ ...CLEAN, netns: new Set(["b", "a"]) });
  t.deepEqual(marks.peek(), new Set(["a", "b"]));
  t.deepEqual(marks.take(), new Set(["a", "b"]));
  t.deepEqual(marks.take(), new Set());
});

test("lost events, and a look that failed, are followed by a look at everything", (t) => {
  const marks = new DirtyMarks(HOUR_MS);
  marks.take();
  marks.mark({ ...CLEAN, everything: true });
  t.is(marks.take(), "all");
  marks.markAll();
  t.is(marks.take(), "all");
  t.deepEqual(marks.take(), new Set());
});

test("every so often everything is looked at without an event", (t) => {
  const marks = new DirtyMarks(0);
  t.is(marks.take(), "all");
  t.is(marks.take(), "all");
});
