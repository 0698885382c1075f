import test from "ava";
import { backoff, Queue, until } from "./async.ts";

test("tasks run one after another in the order they were given, and one that fails does not stop the next", async (t) => {
  const queue = new Queue();
  const seen: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const task = (name: string, wait: Promise<unknown>) => async (): Promise<string> => {
    seen.push(`${name} begins`);
    await wait;
    seen.push(`${name} ends`);
    return name;
  };
  const first = queue.run(task("a", gate.promise));
  const failing = queue.run(() => Promise.reject(new Error("b failed")));
  const thrown = queue.run(() => {
    throw new Error("c threw");
  });
  const last = queue.run(task("d", Promise.resolve()));
  const failed = Promise.all([
    t.throwsAsync(failing, { message: "b failed" }),
    t.throwsAsync(thrown, { message: "c threw" }),
  ]);
  gate.resolve(undefined);
  t.deepEqual([await first, await last], ["a", "d"]);
  await failed;
  t.deepEqual(seen, ["a begins", "a ends", "d begins", "d ends"]);
});

test("until gives the first value, tries at least once, and gives nothing when time runs out", async (t) => {
  let attempts = 0;
  const third = (): Promise<number | undefined> => Promise.resolve((attempts += 1) === 3 ? attempts : undefined);
  t.is(await until(third, { timeoutMs: 60_000, intervalMs: 1 }), 3);
  t.is(await until(() => Promise.resolve("once"), { timeoutMs: 0 }), "once");
  t.is(await until(() => Promise.resolve(undefined), { timeoutMs: 5, intervalMs: 1 }), undefined);
});

test("until ends with its signal, and with the error of an attempt", async (t) => {
  const stop = new AbortController();
  const waiting = until(() => Promise.resolve(undefined), {
    timeoutMs: 600_000,
    intervalMs: 600_000,
    signal: stop.signal,
  });
  stop.abort();
  await t.throwsAsync(waiting, { name: "AbortError" });
  await t.throwsAsync(
    until(() => Promise.reject(new Error("broken")), { timeoutMs: 1000 }),
    { message: "broken" },
  );
});

test("a backoff doubles up to its limit, however many failures there were", (t) => {
  t.deepEqual(
    [1, 2, 3, 8, 5000].map((failures) => backoff(failures)),
    [250, 500, 1000, 30_000, 30_000],
  );
});
