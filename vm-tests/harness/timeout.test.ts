import { loadavg } from "node:os";
import { Worker } from "node:worker_threads";
import test from "ava";
import { Deadline, hasteNow, referenceBootSeconds, timeoutFactor } from "./timeout.ts";

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

test("a machine that was just given something to do is seen to be busy before its load average is", async (t) => {
  const average = (): number => loadavg()[0] ?? 0;
  const before = average();
  const workers = Array.from({ length: 8 }, () => new Worker("for (;;);", { eval: true }));
  t.teardown(async () => Promise.all(workers.map(async (worker) => worker.terminate())));
  while (timeoutFactor({ ...hasteNow(), cpus: 2 }) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  // Eight that run all the time need most of a minute to make it as much.
  t.true(average() < 4 || before > 2, `the average was ${before}, and is ${average()}`);
});

test("patience has an end", (t) => {
  t.is(timeoutFactor({ load: 100, cpus: 2, bootSeconds: 60 }), 10);
});

test("a deadline passes after its time, and on a machine that is slow all the time after as many times that", async (t) => {
  const began = performance.now();
  const passed = async (factor: number): Promise<number> => {
    using deadline = new Deadline(60, () => factor);
    await new Promise((resolve) => deadline.signal.addEventListener("abort", resolve, { once: true }));
    t.true(deadline.passed);
    t.regex(deadline.waited, factor === 1 ? /0\.06 s/u : /\(0\.06 s, longer on a slow or busy machine\)$/u);
    return performance.now() - began;
  };
  const [fast, slow] = await Promise.all([passed(1), passed(4)]);
  t.true(fast >= 60);
  t.true(slow >= 240);
});

test("a deadline that is far has not passed", (t) => {
  using deadline = new Deadline(3_600_000, () => 1);
  t.false(deadline.passed);
  t.false(deadline.signal.aborted);
  t.is(deadline.waited, "3600 s");
});

test("a machine that was busy for a while only is not waited for as if it still were", async (t) => {
  let factor = 1000;
  using deadline = new Deadline(60, () => factor);
  factor = 1;
  // With the factor of the beginning this would take a minute.
  await new Promise((resolve) => deadline.signal.addEventListener("abort", resolve, { once: true }));
  t.true(deadline.passed);
});
