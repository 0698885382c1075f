import type { Impairment } from "./impairment.ts";
import type { Direction } from "./pcapng-write.ts";

/** A port to open: QEMU connects to `socket`. */
export type PortSpec = {
  readonly name: string;
  readonly network: string;
  readonly socket: string;
  /** Capture file; none when absent. */
  readonly capture?: string;
};

/** Frames and bytes of one direction at the guest's end of the cable, as a capture has them. */
export type Counted = { readonly frames: number; readonly bytes: number };

/**
 * What became of the frames of one direction, by cause. At any moment offered + duplicated = delivered + inFlight + lost +
 * blackholed + queueDropped + noCarrier + away + congested.
 */
export type DirectionCounters = {
  /** Frames that entered the cable: sent by the guest, or meant for it. */
  readonly offered: number;
  /** Frames that came out at the other end, copies included. */
  readonly delivered: number;
  /** Frames that are on their way because of a delay or rate. */
  readonly inFlight: number;
  readonly lost: number;
  readonly blackholed: number;
  /** Frames that found the queue of a rate full. */
  readonly queueDropped: number;
  /** Frames while the cable was pulled. */
  readonly noCarrier: number;
  /** Frames for a guest that was not there. */
  readonly away: number;
  /** Frames for a guest that did not take any for a while. */
  readonly congested: number;
  /** Copies that were made. */
  readonly duplicated: number;
  /** Frames that were changed by one bit. */
  readonly corrupted: number;
  /** Frames that overtook one that was sent before. */
  readonly reordered: number;
};

/** What a port has carried. */
export type PortCounters = {
  readonly connected: boolean;
  /** What the guest sent, before anything that the link does to it. */
  readonly fromGuest: Counted & DirectionCounters;
  /** What the guest got, after anything that the link does to it. */
  readonly toGuest: Counted & DirectionCounters;
};

/** What a link does from now on; a part that is absent stays as it is. */
export type LinkSetting = {
  readonly carrier?: "up" | "down";
  /** The directions that are set anew; without an impairment they are perfect. */
  readonly directions: readonly Direction[];
  readonly impairment?: Impairment;
  /** All that chance depends on, beside the names of link and direction and the number of settings before. */
  readonly seed: number;
};

/** What the lab asks of the switch process; each is answered by one reply with its id. */
export type SwitchRequest =
  | { readonly op: "open"; readonly port: PortSpec }
  | { readonly op: "set"; readonly port: string; readonly setting: LinkSetting }
  | { readonly op: "counters"; readonly port: string }
  /** Writes the frames of a port to one more file, from now on until it is stopped. */
  | { readonly op: "startCapture" | "stopCapture"; readonly port: string; readonly file: string }
  /** Writes all captured frames to their files; fails when one of them could not take all. */
  | { readonly op: "flush" }
  | { readonly op: "stop" };

export type SwitchReply =
  | { readonly id: number; readonly ok: true; readonly counters?: PortCounters }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** What the switch says unasked. */
export type SwitchEvent = { readonly event: "connected" | "disconnected"; readonly port: string };
