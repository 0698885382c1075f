/** A port to open: QEMU connects to `socket`. */
export type PortSpec = {
  readonly name: string;
  readonly network: string;
  readonly socket: string;
  /** Capture file; none when absent. */
  readonly capture?: string;
};

/** Frames and bytes of one direction. */
export type Counted = { readonly frames: number; readonly bytes: number };

/** What a port has carried. */
export type PortCounters = {
  readonly connected: boolean;
  readonly fromGuest: Counted;
  readonly toGuest: Counted;
  /** Frames that were not delivered because the guest was away or did not take any for a while. */
  readonly dropped: number;
};

/** What the lab asks of the switch process; each is answered by one reply with its id. */
export type SwitchRequest =
  | { readonly op: "open"; readonly port: PortSpec }
  | { readonly op: "counters"; readonly port: string }
  /** Writes all captured frames to their files; fails when one of them could not take all. */
  | { readonly op: "flush" }
  | { readonly op: "stop" };

export type SwitchReply =
  | { readonly id: number; readonly ok: true; readonly counters?: PortCounters }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** What the switch says unasked. */
export type SwitchEvent = { readonly event: "connected" | "disconnected"; readonly port: string };
