import test from "ava";
import { isKept, jsonLine, table, type Figure } from "./figure.ts";
import { alternately, timesOf } from "./pairs.ts";

const figure: Figure = {
  name: "attach",
  ours: 1.5,
  unit: "ms",
  peer: { name: "CNI bridge", value: 15 },
  bar: 2,
  leastRatio: 13,
  profile: ["1.2 ms  in the kernel"],
};

test("a line for programs has ours, the peer's and the ratio", (t) => {
  t.like(JSON.parse(jsonLine(figure, 0.5)), { name: "attach", ours: 1.5, peer: 15, ratio: 10, unit: "ms", ok: false });
  const alone = { name: "idle", ours: 50, unit: "MB", bar: 60 };
  t.like(JSON.parse(jsonLine(alone, 0.5)), { name: "idle", ours: 50, peer: null, ratio: null, unit: "MB", ok: true });
  t.is((JSON.parse(jsonLine({ name: "seen", ours: 1, unit: "ms" }, 0)) as { ok: unknown }).ok, null);
});

test("a bar is missed by the number, by the ratio, and by what could not be measured", (t) => {
  t.false(isKept(figure));
  t.true(isKept({ ...figure, ours: 1.1 }));
  t.false(isKept({ ...figure, ours: 2.1, peer: { name: "slow", value: 100 } }));
  t.false(isKept({ ...figure, ours: Number.NaN }));
  t.false(isKept({ ...figure, ours: 1, peer: { name: "broken", value: Number.NaN } }));
});

test("people see what is missed, by how much, and where the time goes", (t) => {
  t.is(
    table([figure, { ...figure, ours: 1 }]),
    [
      "attach       1.5 ms      within 2 ms        10x MISSES 13x, CNI bridge 15 ms",
      "       | 1.2 ms  in the kernel",
      "attach         1 ms      within 2 ms        15x of 13x, CNI bridge 15 ms",
    ].join("\n"),
  );
});

test("sides are measured in turns, each round beginning with another one, and the first does not count", async (t) => {
  const order: string[] = [];
  const side = (name: string): { work: (round: number) => Promise<unknown> } => ({
    work: (round) => Promise.resolve(order.push(`${name}${round}`)),
  });
  const times = await alternately(2, { a: side("a"), b: side("b") });
  t.deepEqual(order, ["a0", "b0", "b1", "a1", "a2", "b2"]);
  t.deepEqual([times.a.all.length, times.b.all.length], [2, 2]);
});

test("percentiles are of what was measured", (t) => {
  const times = timesOf(Array.from({ length: 100 }, (_unused, n) => n));
  t.deepEqual([times.p50, times.p99], [50, 99]);
  t.is(timesOf([]).p50, Number.NaN);
});
