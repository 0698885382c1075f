/** One measured number. */
export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The most that it may be; absent for what is only watched. */
  readonly bar?: number;
  /** The least that it may be. */
  readonly least?: number;
  /** What it depends on or compares with, for people. */
  readonly note?: string;
};

/** Something that is measured together. */
export type Bench = {
  readonly name: string;
  /** What needs root, QEMU or Debian's programs runs in the toolbox, where `NETLOOM_IMAGE` names the image. */
  readonly inToolbox: boolean;
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
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return median(times);
}

/** False when a figure is above or below what it may be. */
export function isKept({ value, bar = Infinity, least = -Infinity }: Figure): boolean {
  return value <= bar && value >= least;
}

/** One line of JSON for programs; `bar`, `least` and `ok` are null for what has none. */
export function jsonLine(figure: Figure): string {
  const { name, value, unit, bar = null, least = null } = figure;
  const ok = bar === null && least === null ? null : isKept(figure);
  return JSON.stringify({ name, value: rounded(value), unit, bar, least, ok });
}

/** All figures under each other, for people. */
export function table(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  return figures
    .map((figure) => {
      const { name, value, unit, note } = figure;
      const measured = `${String(rounded(value)).padStart(9)} ${unit.padEnd(7)}`;
      return `${name.padEnd(width)} ${measured} ${verdict(figure).padEnd(18)} ${note ?? ""}`.trimEnd();
    })
    .join("\n");
}

function verdict(figure: Figure): string {
  const { value, unit, bar, least } = figure;
  if (bar !== undefined && !(value <= bar)) return `ABOVE ${bar} ${unit}`;
  if (least !== undefined && !(value >= least)) return `BELOW ${least} ${unit}`;
  if (bar !== undefined) return `within ${bar} ${unit}`;
  return least === undefined ? "" : `at least ${least} ${unit}`;
}

/** Three digits say all that such a measurement can. */
function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
