import test from "ava";
import fc from "fast-check";
import { DelayLine } from "./delay-line.ts";

type Item = { readonly due: number; readonly id: number };

function lineAt(clock: () => number = () => 0, wake: () => void = () => {}): DelayLine<Item> {
  return new DelayLine<Item>(clock, wake);
}

test("releases in order of time, then in the order of coming, what is due and nothing else", (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.nat(50), (dues, now) => {
      using line = lineAt();
      const items = dues.map((due, id) => ({ due, id }));
      for (const item of items) line.hold(item);
      const out: Item[] = [];
      line.release(now, (item) => out.push(item));
      const ordered = items.toSorted((a, b) => a.due - b.due || a.id - b.id);
      t.deepEqual(
        out,
        ordered.filter(({ due }) => due <= now),
      );
      line.release(Infinity, (item) => out.push(item));
      t.deepEqual(out, ordered);
      t.is(line.size, 0);
    }),
  );
});

test("withdraws what matches in the order of release, and keeps the rest", (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (dues) => {
      using line = lineAt();
      const items = dues.map((due, id) => ({ due, id }));
      for (const item of items) line.hold(item);
      const ordered = items.toSorted((a, b) => a.due - b.due || a.id - b.id);
      const odd = (item: Item): boolean => item.id % 2 === 1;
      t.deepEqual(line.withdraw(odd), ordered.filter(odd));
      const rest: Item[] = [];
      line.release(Infinity, (item) => rest.push(item));
      t.deepEqual(
        rest,
        ordered.filter((item) => !odd(item)),
      );
    }),
  );
});

test("wakes when the first is due and never before, also one that came later and is due earlier", async (t) => {
  const clock = (): number => performance.now() * 1000;
  const woken: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const start = clock();
  using line: DelayLine<Item> = lineAt(clock, () => {
    line.release(clock(), ({ due, id }) => {
      t.true(clock() >= due);
      woken.push(id);
    });
    if (woken.length === 3) resolve();
  });
  line.hold({ due: start + 30_000, id: 3 });
  line.hold({ due: start + 5000, id: 1 });
  line.hold({ due: start + 12_300, id: 2 });
  await promise;
  t.deepEqual(woken, [1, 2, 3]);
});
