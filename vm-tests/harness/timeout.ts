import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";

/**
 * Processor seconds that the probe guest takes from power-on to its first line on the machine that the timeouts in the code were
 * chosen on: two cores, software emulation. A machine where it takes twice as long waits twice as long.
 */
export const referenceBootSeconds = 2.5;

/** A machine that is slower than this, or busier, is not worth waiting for. */
const mostPatience = 10;

/** What decides how long to wait: the machine's speed, and how much else it does at this moment. */
export type Haste = {
  /** Processor seconds that the probe guest took with the accelerator in use; unknown counts as the reference. */
  readonly bootSeconds?: number | undefined;
  /** How many threads want a processor. */
  readonly load: number;
  readonly cpus: number;
};

/**
 * The haste of this moment: the load is the average of the last minute, or what wants to run right now if that is more, since an
 * average learns late of machines that have just been started.
 */
export function hasteNow(bootSeconds?: number): Haste {
  return { bootSeconds, load: Math.max(loadavg()[0] ?? 0, runnable()), cpus: availableParallelism() };
}

/** Threads that run or want to, ourselves not counted: the fourth field of proc_loadavg(5). */
function runnable(): number {
  const [, count = "1"] = /^(?:\S+ ){3}(\d+)\//u.exec(readFileSync("/proc/loadavg", "utf8")) ?? [];
  return Number(count) - 1;
}

/**
 * What every timeout is multiplied by, 1 to 10: slower guests take longer in proportion, and so do guests that share their
 * processors with others. It is never below 1, since much of what is waited for (a retry, a lease) does not come sooner on a
 * fast machine.
 */
export function timeoutFactor({ bootSeconds = referenceBootSeconds, load, cpus }: Haste): number {
  const slowness = Math.max(1, bootSeconds / referenceBootSeconds);
  const crowd = Math.max(1, load / Math.max(1, cpus));
  return Math.min(mostPatience, Number((slowness * crowd).toFixed(2)));
}

/** How often a deadline looks at the load again. */
const lookMs = 1000;

/**
 * The end of a wait: `ms` on the reference machine at rest. It moves away while the factor is above 1, so that a machine which is
 * busy for a moment is given more time for that moment only.
 */
export class Deadline implements Disposable {
  readonly #ms: number;
  readonly #factor: () => number;
  readonly #began = performance.now();
  readonly #over = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #looked = performance.now();
  #spent = 0;

  constructor(ms: number, factor: () => number) {
    this.#ms = ms;
    this.#factor = factor;
    this.#timer = setInterval(() => this.#look(), Math.max(1, Math.min(lookMs, ms / 10)));
  }

  /** Aborted, with a TimeoutError, when it has passed. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get passed(): boolean {
    this.#look();
    return this.#over.signal.aborted;
  }

  /** How long was waited until now: "60 s", or "150 s (60 s, longer on a slow or busy machine)". */
  get waited(): string {
    const seconds = (performance.now() - this.#began) / 1000;
    const asked = this.#ms / 1000;
    const plain = `${Number(asked.toFixed(2))} s`;
    return seconds < asked * 1.2 ? plain : `${seconds.toFixed(1)} s (${plain}, longer on a slow or busy machine)`;
  }

  /** What a promise gives. @throws a TimeoutError when the deadline passes before. */
  async race<T>(promise: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(this.#over.signal.reason);
    if (this.#over.signal.aborted) abort();
    this.#over.signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([promise, late]);
    } finally {
      this.#over.signal.removeEventListener("abort", abort);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#spent += (now - this.#looked) / this.#factor();
    this.#looked = now;
    if (this.#spent < this.#ms || this.#over.signal.aborted) return;
    clearInterval(this.#timer);
    this.#over.abort(new DOMException("too late", "TimeoutError"));
  }
}
