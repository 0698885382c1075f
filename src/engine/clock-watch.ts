/** A clock that is corrected gently gains or loses less than this part of the time that passes (chrony.conf(5), maxslewrate). */
const SLEW = 0.1;
/** Two clocks that are read one after the other differ by less. */
const SLACK_SECONDS = 1;

/** Notices that the clock was set back: peers of WireGuard ignore a node until its clock is past what it showed before. */
export class ClockWatch {
  /** The date at which the kernel started, by the clock as it was last, and when that was. */
  #last: { readonly start: number; readonly at: number } | undefined;
  /** The latest date before the clock was set back. */
  #peak = -Infinity;

  /** @returns seconds by which the clock is behind what it showed before; `date` in Unix seconds, `up` since the kernel started */
  see(date: number, up: number): number {
    const start = date - up;
    const last = this.#last;
    if (last !== undefined && last.start - start > SLACK_SECONDS + SLEW * (up - last.at))
      this.#peak = Math.max(this.#peak, last.start + up);
    this.#last = { start, at: up };
    return Math.max(0, this.#peak - date);
  }
}
