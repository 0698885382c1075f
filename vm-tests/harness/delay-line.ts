/** Something that waits for its time, in microseconds. */
export type Timed = { readonly due: number };

type Entry<Item> = { readonly item: Item; readonly due: number; readonly order: number };

/** The longest that a timer of Node takes is about 24 days; looking at the clock in between costs nothing. */
const longestSleepMs = 60_000;

/**
 * Holds things until their time, with one timer for all: `wake` is called when the first is due, never before, and at most
 * about a millisecond late, which is how fine timers of an event loop are. A binary heap, so n things cost n log n.
 */
export class DelayLine<Item extends Timed> implements Disposable {
  readonly #wake: () => void;
  readonly #clock: () => number;
  #heap: Entry<Item>[] = [];
  #order = 0;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Infinity;

  /** `clock` tells the time in microseconds. */
  constructor(clock: () => number, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  get size(): number {
    return this.#heap.length;
  }

  hold(item: Item): void {
    const heap = this.#heap;
    const entry = { item, due: item.due, order: this.#order++ };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, entry)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
    if (item.due < this.#armedFor) this.#arm(item.due);
  }

  /** Takes out everything that is due, in order; what is due at the same time in the order it came. */
  release(now: number, sink: (item: Item) => void): void {
    for (let first = this.#heap[0]; first !== undefined && first.due <= now; first = this.#heap[0]) {
      this.#removeFirst();
      sink(first.item);
    }
    const next = this.#heap[0];
    if (next === undefined) this.#disarm();
    else if (next.due !== this.#armedFor) this.#arm(next.due);
  }

  /** Takes out what matches, in the order in which it would have been released. */
  withdraw(matches: (item: Item) => boolean): readonly Item[] {
    const out = this.#heap.filter(({ item }) => matches(item)).toSorted(compare);
    // A sorted array is a heap.
    this.#heap = this.#heap.filter(({ item }) => !matches(item)).toSorted(compare);
    if (this.#heap.length === 0) this.#disarm();
    return out.map(({ item }) => item);
  }

  [Symbol.dispose](): void {
    this.#heap = [];
    this.#disarm();
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, below)) {
        below = right;
        child++;
      }
      if (before(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }

  #arm(due: number): void {
    clearTimeout(this.#timer);
    this.#armedFor = due;
    const milliseconds = Math.ceil((due - this.#clock()) / 1000);
    this.#timer = setTimeout(() => this.#ring(), Math.min(Math.max(milliseconds, 0), longestSleepMs));
  }

  #ring(): void {
    // The event loop rounds its clock down, so that a timer may ring a fraction of a millisecond before its time.
    if (this.#clock() < this.#armedFor) this.#arm(this.#armedFor);
    else this.#wake();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }
}

function before(one: Entry<unknown>, other: Entry<unknown>): boolean {
  return one.due < other.due || (one.due === other.due && one.order < other.order);
}

function compare(one: Entry<unknown>, other: Entry<unknown>): number {
  return one.due - other.due || one.order - other.order;
}
