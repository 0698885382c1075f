import { LearningTable, isGroup, macAt } from "./learning-table.ts";

const shortest = 14;

/** One layer-2 network: a learning bridge that looks at addresses only, so tagged frames pass as they are. */
export class Segment<Port> {
  readonly #ports = new Set<Port>();
  readonly #table = new LearningTable<Port>();

  add(port: Port): void {
    this.#ports.add(port);
  }

  /** Forgets what is behind a port, when its guest went away. */
  forget(port: Port): void {
    this.#table.forget(port);
  }

  /**
   * Calls `send` for each port that a frame from `from` goes to: one that is known, else all others. `at` is where the frame
   * begins, `now` is in seconds. A frame shorter than its header goes nowhere.
   */
  forward(from: Port, buffer: Uint8Array, at: number, end: number, now: number, send: (port: Port) => void): void {
    if (end - at < shortest) return;
    if (!isGroup(buffer, at + 6)) this.#table.learn(macAt(buffer, at + 6), from, now);
    const known = isGroup(buffer, at) ? undefined : this.#table.find(macAt(buffer, at), now);
    if (known === undefined) {
      for (const port of this.#ports) if (port !== from) send(port);
    } else if (known !== from) {
      send(known);
    }
  }
}
