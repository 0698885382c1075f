import type { DelayLine } from "./delay-line.ts";
import { headerSize } from "./frame-codec.ts";
import type { ImpairmentModel } from "./impairment.ts";
import type { DirectionCounters } from "./switch-messages.ts";

/** Bytes that may be on their way in one direction: a long delay of a fast flood must not fill the memory. */
const longestLine = 64 * 1024 * 1024;

/** A frame with its header in a buffer, and who sent it. */
export type Crossing<Sender> = {
  readonly sender: Sender;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
};

/** A frame that is on its way. */
export type Travelling<Sender> = Crossing<Sender> & { readonly due: number; readonly pipe: LinkPipe<Sender> };

/** Takes a frame at the far end of the cable; says why when it could not. */
export type FarEnd<Sender> = (
  sender: Sender,
  buffer: Buffer,
  start: number,
  end: number,
  now: number,
) => "away" | "congested" | undefined;

type Counting = { -readonly [Key in keyof DirectionCounters]: number };

/** One direction of a cable. While nothing is set, a frame only passes through. */
export class LinkPipe<Sender> {
  readonly #line: DelayLine<Travelling<Sender>>;
  readonly #farEnd: FarEnd<Sender>;
  readonly #counters: Counting = {
    offered: 0,
    delivered: 0,
    inFlight: 0,
    lost: 0,
    blackholed: 0,
    queueDropped: 0,
    noCarrier: 0,
    away: 0,
    congested: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
  };
  #carrier = true;
  #model: ImpairmentModel | undefined;
  #plain = true;
  #bytesInFlight = 0;

  constructor(line: DelayLine<Travelling<Sender>>, farEnd: FarEnd<Sender>) {
    this.#line = line;
    this.#farEnd = farEnd;
  }

  get counters(): DirectionCounters {
    return { ...this.#counters };
  }

  /** A frame enters the cable; `now` is in microseconds. */
  enter(sender: Sender, buffer: Buffer, start: number, end: number, now: number): void {
    this.#counters.offered++;
    if (this.#plain) this.#deliver(sender, buffer, start, end, now);
    else this.#impair({ sender, buffer, start, end }, now);
  }

  /** A frame arrives that `enter` gave to the delay line. */
  arrive({ sender, buffer, start, end }: Travelling<Sender>, now: number): void {
    this.#counters.inFlight--;
    this.#bytesInFlight -= end - start;
    this.#deliver(sender, buffer, start, end, now);
  }

  /**
   * Replaces what the cable does. What is on its way arrives at once, in its order: nothing is lost by a setting, and nothing
   * old delays what is new or is overtaken by it.
   */
  set(model: ImpairmentModel | undefined, now: number): void {
    this.#model = model;
    this.#plain = this.#carrier && model === undefined;
    for (const travelling of this.#line.withdraw(({ pipe }) => pipe === this)) this.arrive(travelling, now);
  }

  /** Pulls the cable, or plugs it in. What is on its way is gone with the cable. */
  setCarrier(up: boolean): void {
    this.#carrier = up;
    this.#plain = up && this.#model === undefined;
    if (up) return;
    for (const { start, end } of this.#line.withdraw(({ pipe }) => pipe === this)) {
      this.#counters.inFlight--;
      this.#counters.noCarrier++;
      this.#bytesInFlight -= end - start;
    }
  }

  #impair(frame: Crossing<Sender>, now: number): void {
    const counters = this.#counters;
    if (!this.#carrier || this.#model === undefined) {
      counters.noCarrier++;
      return;
    }
    const fate = this.#model(frame.end - frame.start - headerSize, now);
    if (fate.end !== "arrives") {
      counters[fate.end]++;
      return;
    }
    counters.queueDropped += fate.queueDropped;
    if (fate.copied) counters.duplicated++;
    const arriving = fate.flip === undefined ? frame : flipped(frame, fate.flip);
    if (fate.flip !== undefined && fate.due.length > 0) counters.corrupted++;
    counters.reordered += fate.overtaking;
    for (const due of fate.due) this.#send(arriving, due, now);
  }

  #send(frame: Crossing<Sender>, due: number, now: number): void {
    const { sender, buffer, start, end } = frame;
    const size = end - start;
    // Behind frames that are overdue it would overtake them by going directly.
    if (due <= now && this.#counters.inFlight === 0) this.#deliver(sender, buffer, start, end, now);
    else if (this.#bytesInFlight + size > longestLine) this.#counters.queueDropped++;
    else {
      this.#counters.inFlight++;
      this.#bytesInFlight += size;
      this.#line.hold({ sender, buffer, start, end, due, pipe: this });
    }
  }

  #deliver(sender: Sender, buffer: Buffer, start: number, end: number, now: number): void {
    const counters = this.#counters;
    const refused = this.#farEnd(sender, buffer, start, end, now);
    if (refused !== undefined) counters[refused]++;
    else counters.delivered++;
  }
}

/** The frame with one bit wrong, in memory of its own: others may be reading the original. */
function flipped<Sender>({ sender, buffer, start, end }: Crossing<Sender>, bit: number): Crossing<Sender> {
  const copy = Buffer.from(buffer.subarray(start, end));
  const at = headerSize + (bit >> 3);
  copy[at] = (copy[at] ?? 0) ^ (0x80 >> (bit & 7));
  return { sender, buffer: copy, start: 0, end: copy.length };
}
