/** One way to do what others do too. Only `work` is timed; the number of the round names what it makes. */
export interface Side {
  readonly prepare?: (round: number) => Promise<unknown>;
  readonly work: (round: number) => Promise<unknown>;
  readonly clean?: (round: number) => Promise<unknown>;
}

/** Milliseconds that a side took. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
  /** The quickest round: what is left when nothing else wanted the machine. */
  readonly least: number;
  readonly all: readonly number[];
}

/**
 * Measures all sides in turn, round by round, so that what else the machine does meets them alike. Each round starts
 * with another side. The first round, in which files and caches are cold, does not count.
 */
export async function alternately<K extends string>(
  rounds: number,
  sides: Readonly<Record<K, Side>>,
): Promise<Readonly<Record<K, Times>>> {
  const names = Object.keys(sides) as K[];
  const taken = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1)
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      if (name === undefined) continue;
      const { prepare, work, clean } = sides[name];
      await prepare?.(round);
      const started = performance.now();
      await work(round);
      const milliseconds = performance.now() - started;
      await clean?.(round);
      if (round > 0) taken.get(name)?.push(milliseconds);
    }
  return Object.fromEntries(names.map((name) => [name, timesOf(taken.get(name) ?? [])])) as Record<K, Times>;
}

/** Percentiles of some values; NaN of none. */
export function timesOf(all: readonly number[]): Times {
  return { p50: percentile(all, 0.5), p99: percentile(all, 0.99), least: Math.min(...all), all };
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** The spread of ours, and the quickest rounds of both, for people. */
export function spread(ours: Times, peer: Times): string {
  const text = (value: number): string => value.toPrecision(3);
  return `p99 ${text(ours.p99)}, least ${text(ours.least)} against ${text(peer.least)}`;
}
