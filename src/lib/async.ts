import { setTimeout as delay } from "node:timers/promises";

/** Calls `attempt` until it returns a value, at most for `timeoutMs`; returns undefined when time ran out. */
export async function until<T>(
  attempt: () => Promise<T | undefined>,
  { timeoutMs, intervalMs = 100, signal }: { timeoutMs: number; intervalMs?: number; signal?: AbortSignal },
): Promise<T | undefined> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await attempt();
    if (value !== undefined) return value;
    if (performance.now() >= end) return undefined;
    await delay(intervalMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** Exponential backoff in milliseconds: `first`, doubled per failure, never above `most`. */
export function backoff(failures: number, first: number = 250, most: number = 30_000): number {
  return Math.min(first * 2 ** Math.max(0, failures - 1), most);
}

/** Runs tasks one after another, in the order they were given; a failed one does not stop the next. */
export class Queue {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const next = this.#tail.then(task, task);
    this.#tail = next.catch(() => undefined);
    return next;
  }
}

/** Runs `work` for each of many, at most `most` at a time, and waits for all. It rejects as soon as one does. */
export async function inTurn<T>(many: Iterable<T>, work: (one: T) => Promise<void>, most: number = 16): Promise<void> {
  const rest = many[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
