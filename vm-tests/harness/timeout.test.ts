import test from "ava";
import { limitOf, describeTimeout, referenceBootSeconds, timeoutFactor } from "./timeout.ts";

const calm = { load: 0.5, cpus: 2 };

test("the reference machine at rest waits as long as the code says, and a faster one no less", (t) => {
  t.is(timeoutFactor({ ...calm, bootSeconds: referenceBootSeconds }), 1);
  t.is(timeoutFactor({ ...calm, bootSeconds: referenceBootSeconds / 10 }), 1);
  t.is(timeoutFactor(calm), 1);
});

test("a machine that is three times slower waits three times as long", (t) => {
  t.is(timeoutFactor({ ...calm, bootSeconds: referenceBootSeconds * 3 }), 3);
});

test("load counts from where there is more of it than processors", (t) => {
  t.is(timeoutFactor({ load: 2, cpus: 2 }), 1);
  t.is(timeoutFactor({ load: 5, cpus: 2 }), 2.5);
  t.is(timeoutFactor({ load: 5, cpus: 8 }), 1);
  t.is(timeoutFactor({ load: 4, cpus: 2, bootSeconds: referenceBootSeconds * 2 }), 4);
});

test("patience has an end", (t) => {
  t.is(timeoutFactor({ load: 100, cpus: 2, bootSeconds: 60 }), 10);
});

test("a scaled timeout says what it was made of", (t) => {
  t.is(describeTimeout(60_000, 1), "60 s");
  t.is(describeTimeout(200, 2.5), "0.5 s (0.2 s x 2.5 for a slow or busy machine)");
});

test("a limit that was scaled is one that a signal can have", (t) => {
  // 1.26 times 120,000 is no whole number in binary.
  t.false(limitOf(120_000, 8.39).aborted);
  t.notThrows(() => limitOf(120_000, 1.26 * 6.67));
});
