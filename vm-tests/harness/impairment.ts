import type { LinkProperties } from "./link-properties.ts";
import { bitsPerSecond, microseconds, percent } from "./link-units.ts";
import type { Direction } from "./pcapng-write.ts";

/** Link properties of one direction as numbers: shares from 0 to 1, times in microseconds. */
export type Impairment = {
  readonly blackhole: boolean;
  readonly loss: number;
  readonly corrupt: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly delayUs: number;
  readonly jitterUs: number;
  /** Bits per second; 0 when the link is as fast as it can be. */
  readonly rate: number;
};

/** What a perfect cable does. */
export const perfect: Impairment = {
  blackhole: false,
  loss: 0,
  corrupt: 0,
  duplicate: 0,
  reorder: 0,
  delayUs: 0,
  jitterUs: 0,
  rate: 0,
};

/** What becomes of a frame. */
export type Fate =
  | { readonly end: "lost" | "blackholed" }
  | {
      readonly end: "arrives";
      /** When the frame and its copy arrive, in microseconds; those missing found the queue full. */
      readonly due: readonly number[];
      readonly queueDropped: number;
      readonly copied: boolean;
      /** How many of them arrive before one that was sent earlier. */
      readonly overtaking: number;
      /** The bit, counted from the begin of the frame, that arrives wrong. */
      readonly flip: number | undefined;
    };

/** Decides the fate of one frame after another; `now` is in microseconds and never goes back. */
export type ImpairmentModel = (length: number, now: number) => Fate;

/** What waits for a rate is this many seconds of it, as a home router has, and never less than 32 frames of full size. */
const queueSeconds = 0.1;
const queueAtLeast = 32 * 1514;
const ethernetHeader = 14;

/** The numbers behind properties; undefined when they leave every frame as it is. */
export function impairmentOf(properties: LinkProperties): Impairment | undefined {
  const { blackhole = false, loss, corrupt, duplicate, reorder, delay, jitter, rate } = properties;
  const impairment = {
    blackhole,
    loss: percent(loss ?? "") ?? 0,
    corrupt: percent(corrupt ?? "") ?? 0,
    duplicate: percent(duplicate ?? "") ?? 0,
    reorder: percent(reorder ?? "") ?? 0,
    delayUs: microseconds(delay ?? "") ?? 0,
    jitterUs: microseconds(jitter ?? "") ?? 0,
    rate: bitsPerSecond(rate ?? "") ?? 0,
  };
  return Object.values(impairment).some(Boolean) ? impairment : undefined;
}

/**
 * A model of one direction of a link. Its only chance is `random`, and each frame takes the same number of draws from it, so
 * the n-th frame is lost or not whatever else is set. Where it differs from tc-netem(8): jitter never lets a frame overtake
 * (there it does as soon as frames follow closely, which surprises everyone once), `reorder` alone does.
 */
export function impairmentModel(impairment: Impairment, random: () => number): ImpairmentModel {
  const { blackhole, loss, corrupt, duplicate, reorder, delayUs, jitterUs, rate } = impairment;
  const queue = Math.max(queueAtLeast, (queueSeconds * rate) / 8);
  /** When the line has sent all that it accepted, and when the last of that arrives. */
  let busyUntil = 0;
  let lastDue = 0;

  function sent(length: number, now: number): number | undefined {
    if (rate === 0) return now;
    const begins = Math.max(now, busyUntil);
    const waiting = ((begins - now) * rate) / 8e6;
    if (waiting > 0 && waiting + length > queue) return undefined;
    busyUntil = begins + (length * 8e6) / rate;
    return busyUntil;
  }

  return (length, now) => {
    const [lossDraw, flipDraw, bitDraw, copyDraw, orderDraw, jitterDraw] = draws(random);
    if (blackhole) return { end: "blackholed" };
    if (lossDraw < loss) return { end: "lost" };
    const flips = length > ethernetHeader && flipDraw < corrupt;
    const flip = flips ? Math.floor((ethernetHeader + bitDraw * (length - ethernetHeader)) * 8) : undefined;
    const copied = copyDraw < duplicate;
    const due: number[] = [];
    let queueDropped = 0;
    let overtaking = 0;
    for (let copy = 0; copy < (copied ? 2 : 1); copy++) {
      const at = sent(length, now);
      if (at === undefined) {
        queueDropped++;
        continue;
      }
      const skips = orderDraw < reorder;
      const arrival = skips ? at : Math.max(at + delayUs + (2 * jitterDraw - 1) * jitterUs, lastDue);
      if (arrival < lastDue) overtaking++;
      else lastDue = arrival;
      due.push(arrival);
    }
    return { end: "arrives", due, queueDropped, copied, overtaking, flip };
  };
}

type Draws = readonly [number, number, number, number, number, number];

function draws(random: () => number): Draws {
  return [random(), random(), random(), random(), random(), random()];
}

/** The chance of one direction of a link after its n-th setting: all that it depends on. */
export function linkRandom(seed: number, link: string, direction: Direction, setting: number): () => number {
  return seededRandom(`${seed}/${link}/${direction}/${setting}`);
}

/** Even numbers from 0 to below 1 that depend on nothing but the seed (mulberry32: small, fast and even enough for this). */
export function seededRandom(seed: string): () => number {
  let state = fnv(seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** FNV-1a, with a last mix since seeds differ by a digit. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
}
