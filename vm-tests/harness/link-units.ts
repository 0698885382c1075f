/** A time with its unit: "50ms". */
export type Duration = `${number}${"us" | "ms" | "s"}`;
/** A share of all: "5%". */
export type Percent = `${number}%`;
/** Bits per second, in powers of ten as tc(8) has them: "10mbit". */
export type Rate = `${number}${"bit" | "kbit" | "mbit" | "gbit"}`;

const times: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };
const rates: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([a-z]+)$/u.exec(text) ?? [];
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(number) * factor;
}

/** Microseconds of a time with its unit; undefined when it is none. */
export function microseconds(text: string): number | undefined {
  return scaled(text, times);
}

/** Bits per second of a rate; undefined when it is none. */
export function bitsPerSecond(text: string): number | undefined {
  return scaled(text, rates);
}

/** A share as a number from 0 to 1; undefined when it is none. */
export function percent(text: string): number | undefined {
  const [, number] = /^(\d+(?:\.\d+)?)%$/u.exec(text) ?? [];
  return number === undefined || Number(number) > 100 ? undefined : Number(number) / 100;
}
