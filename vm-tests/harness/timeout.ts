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
  /** Load average of the last minute. */
  readonly load: number;
  readonly cpus: number;
};

/** The haste of this moment. */
export function hasteNow(bootSeconds?: number): Haste {
  return { bootSeconds, load: loadavg()[0] ?? 0, cpus: availableParallelism() };
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

/** A signal that says no after a timeout, which has whole milliseconds. */
export function limitOf(ms: number, factor: number): AbortSignal {
  return AbortSignal.timeout(Math.ceil(ms * factor));
}

/** "60 s", or how it came about when it was scaled: "150 s (60 s x 2.5 for a slow or busy machine)". */
export function describeTimeout(ms: number, factor: number): string {
  const plain = `${seconds(ms)} s`;
  return factor === 1 ? plain : `${seconds(ms * factor)} s (${plain} x ${factor} for a slow or busy machine)`;
}

function seconds(ms: number): string {
  return String(Number((ms / 1000).toFixed(2)));
}
