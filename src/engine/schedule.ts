/** A burst of events costs one pass: it starts when there were none for this long, which is twice what a digest waits at most. */
const QUIET_MS = 100;
/** But no later than this after the first of them, so that whoever never stops does not keep us from mending. */
export const LATEST_MS = 500;

/** Decides when the next pass starts. */
export class Schedule implements Disposable {
  readonly #start: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** When a pass was asked for, and when the events that wait will have settled. */
  #asked = Infinity;
  #settled = Infinity;
  #firstEvent: number | undefined;
  #closed = false;

  constructor(start: () => void) {
    this.#start = start;
  }

  /** Asks for a pass within `delayMs`; an earlier one that is due already serves as well. */
  wake(delayMs: number): void {
    const due = performance.now() + delayMs;
    if (due >= this.#asked) return;
    this.#asked = due;
    this.#set();
  }

  /** Something changed: a pass starts once it is quiet. */
  event(): void {
    const now = performance.now();
    this.#firstEvent ??= now;
    this.#settled = Math.min(now + QUIET_MS, this.#firstEvent + LATEST_MS);
    this.#set();
  }

  /** A pass starts now, for whatever reason: it serves all that was asked for before. */
  started(): void {
    clearTimeout(this.#timer);
    this.#asked = Infinity;
    this.#settled = Infinity;
    this.#firstEvent = undefined;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #set(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const due = Math.min(this.#asked, this.#settled);
    this.#timer = setTimeout(
      () => {
        this.started();
        this.#start();
      },
      Math.max(0, due - performance.now()),
    );
  }
}
