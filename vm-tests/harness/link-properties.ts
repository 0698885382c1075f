import * as v from "valibot";
import { bitsPerSecond, microseconds, percent } from "./link-units.ts";
import type { Duration, Percent, Rate } from "./link-units.ts";
import type { Direction } from "./pcapng-write.ts";

/**
 * What a link does to the frames that cross it: the same in YAML, in TypeScript and, as `key=value`, on the command line. A set
 * replaces all that held before, so `{}` is a perfect cable. All of it holds for each direction by itself: a delay of 50 ms on
 * a link adds 100 ms to a round trip over it. Effects come in this order: carrier, blackhole, loss, corrupt, duplicate, rate,
 * then delay with jitter and reorder.
 */
export type LinkProperties = {
  /** "down": the cable is pulled and the guest sees it. Up unless told. */
  readonly carrier?: "up" | "down";
  /** No frame arrives, and the guest sees nothing of it: a carrier, but silence. */
  readonly blackhole?: boolean;
  /** Share of the frames that vanish, each one by its own draw. */
  readonly loss?: Percent;
  /** Share of the frames that come with one bit flipped, behind the Ethernet header so that they still get where they should. */
  readonly corrupt?: Percent;
  /** Share of the frames that come twice. */
  readonly duplicate?: Percent;
  /** What a frame takes at least. */
  readonly delay?: Duration;
  /** The delay is drawn evenly from `delay` minus to plus this. Frames keep their order all the same. */
  readonly jitter?: Duration;
  /** Share of the frames that skip the delay and so overtake those before them. */
  readonly reorder?: Percent;
  /** Bits of frames (without preamble and checksum) per second; what waits is a queue of 100 ms that drops at its tail. */
  readonly rate?: Rate;
  /** Which frames: those that the guest sends, those that it gets, or "both", which is meant unless told. */
  readonly direction?: LinkDirection;
};

/** Frames that a property holds for. */
export type LinkDirection = Direction | "both";

const text = v.pipe(v.string("is no text with a unit, such as 5%, 50ms or 10mbit: quote it"), v.toLowerCase());
const longest = "60s";

const share = v.pipe(
  text,
  v.check((word) => percent(word) !== undefined, 'is no share from 0% to 100%, such as "5%"'),
  v.transform((word) => word as Percent),
);
const duration = v.pipe(
  text,
  v.check((word) => !/±|\+/u.test(word), "holds one time: the variation has a key of its own, jitter"),
  v.check(
    (word) => /±|\+/u.test(word) || microseconds(word) !== undefined,
    'is no time with its unit (us, ms, s), such as "50ms"',
  ),
  v.check((word) => (microseconds(word) ?? 0) <= 60_000_000, `is longer than ${longest}`),
  v.transform((word) => word as Duration),
);
const rate = v.pipe(
  text,
  v.check((word) => !word.endsWith("ps"), 'is written without "ps", since tc(8) reads that as bytes: "10mbit"'),
  v.check(
    (word) => word.endsWith("ps") || (bitsPerSecond(word) ?? 0) >= 1000,
    'is no rate of 1kbit or more with its unit (bit, kbit, mbit, gbit), such as "10mbit"; no frame at all is "blackhole"',
  ),
  v.transform((word) => word as Rate),
);
const directions = ["from-guest", "to-guest", "both"] as const;

/** What each key takes, for a schema that holds link properties beside keys of its own. */
export const linkPropertyEntries: {
  readonly [Key in keyof LinkProperties]-?: v.ExactOptionalSchema<
    v.GenericSchema<unknown, LinkProperties[Key]>,
    undefined
  >;
} = {
  carrier: v.exactOptional(v.picklist(["up", "down"], 'is neither "up" nor "down"')),
  blackhole: v.exactOptional(v.boolean("is neither true nor false")),
  loss: v.exactOptional(share),
  corrupt: v.exactOptional(share),
  duplicate: v.exactOptional(share),
  delay: v.exactOptional(duration),
  jitter: v.exactOptional(duration),
  reorder: v.exactOptional(share),
  rate: v.exactOptional(rate),
  direction: v.exactOptional(v.picklist(directions, `is none of ${directions.join(", ")}`)),
};

/** Link properties alone, each key by itself; what the keys together contradict is found by `linkContradictions`. */
export const LinkPropertiesSchema: v.GenericSchema<unknown, LinkProperties> = v.strictObject(linkPropertyEntries);

/** What properties that are right one by one cannot mean together, one line each that begins with a key. */
export function linkContradictions(properties: LinkProperties): readonly string[] {
  const { carrier, delay, jitter, reorder, direction = "both" } = properties;
  const issues: string[] = [];
  if (jitter !== undefined && delay === undefined) issues.push('jitter needs a delay to vary, such as "delay: 50ms"');
  if (jitter !== undefined && delay !== undefined && (microseconds(jitter) ?? 0) > (microseconds(delay) ?? 0)) {
    issues.push(`jitter ${jitter} is more than the delay of ${delay}: no frame can arrive before it was sent`);
  }
  if (reorder !== undefined && delay === undefined) {
    issues.push('reorder needs a delay: a frame overtakes others by skipping it, so add one such as "delay: 50ms"');
  }
  if (carrier !== undefined && direction !== "both") {
    issues.push(`carrier is that of the whole cable: leave direction ${direction} out`);
  }
  return issues;
}
