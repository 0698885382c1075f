import type { Dirty, Scope } from "../host/host.ts";

/** Collects what may have changed until a pass looks at it. Every so often that is everything, whether an event said so or not. */
export class DirtyMarks {
  readonly #sweepMs: number;
  #everything = true;
  #sweepAt = 0;
  #netns = new Set<string>();

  constructor(sweepMs: number) {
    this.#sweepMs = sweepMs;
  }

  mark({ everything, netns }: Dirty): void {
    if (everything) this.#everything = true;
    else for (const name of netns) this.#netns.add(name);
  }

  markAll(): void {
    this.#everything = true;
  }

  /** What a pass would look at; it stays marked. */
  peek(): Scope {
    return this.#everything || performance.now() >= this.#sweepAt ? "all" : this.#netns;
  }

  /** What a pass has to look at; what happens from now on is for the next one. */
  take(): Scope {
    const scope = this.peek();
    if (scope === "all") this.#sweepAt = performance.now() + this.#sweepMs;
    this.#everything = false;
    this.#netns = new Set();
    return scope;
  }
}
