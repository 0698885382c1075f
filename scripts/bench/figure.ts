/** One measured number, and what a peer needs for the same where there is one. */
export type Figure = {
  readonly name: string;
  readonly ours: number;
  readonly unit: string;
  /** Who else does it, and its number, measured in turns with ours. */
  readonly peer?: { readonly name: string; readonly value: number };
  /** The most that ours may be; absent for what is only watched. */
  readonly bar?: number;
  /** The least that it may be. */
  readonly least?: number;
  /** How many times better than the peer it has to be. */
  readonly leastRatio?: number;
  /** What it depends on, for people. */
  readonly note?: string;
  /** Where the time goes, told when the figure is not kept. */
  readonly profile?: readonly string[];
};

/** Something that is measured together. */
export type Bench = {
  readonly name: string;
  /** What needs root, QEMU or Debian's programs runs in the toolbox. */
  readonly inToolbox: boolean;
  /** What runs it in the toolbox: Node when absent, or `bun`, which is what the daemon ships with. */
  readonly runtime?: "bun";
  /** It boots the image, which `NETLOOM_IMAGE` names then. */
  readonly needsImage?: true;
  readonly measure: () => Promise<readonly Figure[]>;
};

/** The middle of some values (the upper one of two); NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Milliseconds that something takes, the median of `rounds` after one that does not count. */
export async function medianMs(rounds: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await milliseconds(work));
  return median(times);
}

/** Milliseconds that something takes. */
export async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** How many times the peer's number ours is; null without a peer. */
function ratioOf({ ours, peer }: Figure): number | null {
  return peer === undefined ? null : peer.value / ours;
}

/** False when a figure is above or below what it may be. */
export function isKept(figure: Figure): boolean {
  const { ours, bar = Infinity, least = -Infinity, leastRatio = 0 } = figure;
  // A figure that could not be had, NaN, is not kept either.
  return ours <= bar && ours >= least && (ratioOf(figure) ?? Infinity) >= leastRatio;
}

/** One line of JSON for programs; null for what there is not. `load` is of the machine, over a minute, when it was measured. */
export function jsonLine(figure: Figure, load: number): string {
  const { name, ours, peer, unit, bar = null, least = null, leastRatio = null } = figure;
  const ratio = ratioOf(figure);
  const ok = bar === null && least === null && leastRatio === null ? null : isKept(figure);
  return JSON.stringify({
    name,
    ours: rounded(ours),
    peer: peer === undefined ? null : rounded(peer.value),
    ratio: ratio === null ? null : rounded(ratio),
    unit,
    against: peer?.name ?? null,
    bar,
    least,
    leastRatio,
    ok,
    load,
  });
}

/** All figures under each other, for people; below each that is not kept, where its time goes. */
export function table(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  return figures
    .flatMap((figure) => {
      const { name, ours, unit, note, profile = [] } = figure;
      const measured = `${String(rounded(ours)).padStart(9)} ${unit.padEnd(7)}`;
      const line = `${name.padEnd(width)} ${measured} ${verdict(figure).padEnd(18)} ${[compared(figure), note].filter(Boolean).join("; ")}`;
      return [line.trimEnd(), ...(isKept(figure) ? [] : profile.map((text) => `${"".padEnd(width)} | ${text}`))];
    })
    .join("\n");
}

function compared(figure: Figure): string {
  const { peer, unit, leastRatio } = figure;
  const ratio = ratioOf(figure);
  if (peer === undefined || ratio === null) return "";
  const wanted = leastRatio === undefined ? "" : ratio >= leastRatio ? ` of ${leastRatio}x` : ` MISSES ${leastRatio}x`;
  return `${rounded(ratio)}x${wanted}, ${peer.name} ${rounded(peer.value)} ${unit}`;
}

function verdict({ ours, unit, bar, least }: Figure): string {
  if (bar !== undefined && !(ours <= bar)) return `ABOVE ${bar} ${unit}`;
  if (least !== undefined && !(ours >= least)) return `BELOW ${least} ${unit}`;
  if (bar !== undefined) return `within ${bar} ${unit}`;
  return least === undefined ? "" : `at least ${least} ${unit}`;
}

/** Three digits say all that such a measurement can. */
function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
