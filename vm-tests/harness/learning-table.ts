/** Seconds after which an address that was not heard of is forgotten, as in IEEE 802.1Q 8.8.3. */
export const agingSeconds = 300;

type Entry<Port> = { port: Port; heard: number };

/** Which port an Ethernet address was last heard on. Bounded: a flood of invented addresses must not fill the memory. */
export class LearningTable<Port> {
  readonly #entries = new Map<number, Entry<Port>>();
  readonly #limit: number;

  constructor(limit: number = 8192) {
    this.#limit = limit;
  }

  /** Remembers that `mac` was heard on `port`; a full table learns nothing new until something aged. */
  learn(mac: number, port: Port, now: number): void {
    const entry = this.#entries.get(mac);
    if (entry !== undefined) {
      entry.port = port;
      entry.heard = now;
      return;
    }
    if (this.#entries.size >= this.#limit) this.#sweep(now);
    if (this.#entries.size < this.#limit) this.#entries.set(mac, { port, heard: now });
  }

  /** The port behind which `mac` is; undefined when it is not known, or no longer. */
  find(mac: number, now: number): Port | undefined {
    const entry = this.#entries.get(mac);
    return entry === undefined || now - entry.heard > agingSeconds ? undefined : entry.port;
  }

  /** Forgets what was heard on a port, when its cable is pulled. */
  forget(port: Port): void {
    for (const [mac, entry] of this.#entries) if (entry.port === port) this.#entries.delete(mac);
  }

  #sweep(now: number): void {
    for (const [mac, { heard }] of this.#entries) if (now - heard > agingSeconds) this.#entries.delete(mac);
  }
}

/** An Ethernet address as a number, which is a cheaper key than text. */
export function macAt(buffer: Uint8Array, at: number): number {
  const high = ((buffer[at] ?? 0) << 8) | (buffer[at + 1] ?? 0);
  const low =
    ((buffer[at + 2] ?? 0) << 24) |
    ((buffer[at + 3] ?? 0) << 16) |
    ((buffer[at + 4] ?? 0) << 8) |
    (buffer[at + 5] ?? 0);
  return high * 0x1_0000_0000 + (low >>> 0);
}

/** True for broadcast and multicast: the lowest bit of the first byte (IEEE 802-2014 8.2.2). */
export function isGroup(buffer: Uint8Array, at: number): boolean {
  return ((buffer[at] ?? 0) & 1) === 1;
}
