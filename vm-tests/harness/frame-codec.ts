/** Bytes of the length, big-endian, that QEMU's stream netdev puts before each frame (net/stream.c). */
export const headerSize: number = 4;

/** Longest frame QEMU sends: NET_BUFSIZE in include/net/net.h. */
export const maxFrame: number = 4096 + 65_536;

/** Takes one frame: its header begins at `start`, its bytes at `start + headerSize`, and `end` is behind the last. */
export type FrameSink = (buffer: Buffer, start: number, end: number) => void;

/**
 * Cuts a byte stream into frames without copying those that lie whole in a chunk. A frame torn over chunks is put together
 * in a buffer of its own. Buffers handed out are never written again, so they may be queued.
 */
export class FrameDecoder {
  #torn: Buffer | undefined;
  #have = 0;

  /** @throws on a length that QEMU never sends: the stream is out of step and must be closed. */
  push(chunk: Buffer, sink: FrameSink): void {
    let at = this.#torn === undefined ? 0 : this.#mend(this.#torn, chunk, sink);
    while (at + headerSize <= chunk.length) {
      const end = at + headerSize + frameLength(chunk, at);
      if (end > chunk.length) break;
      sink(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.#tear(chunk, at);
  }

  #tear(chunk: Buffer, at: number): void {
    const rest = chunk.length - at;
    const size = rest < headerSize ? headerSize : headerSize + frameLength(chunk, at);
    this.#torn = Buffer.allocUnsafe(size);
    this.#have = chunk.copy(this.#torn, 0, at);
  }

  /** Fills the torn frame; returns how much of the chunk that took. */
  #mend(torn: Buffer, chunk: Buffer, sink: FrameSink): number {
    let at = 0;
    let frame = torn;
    if (this.#have < headerSize) {
      const copied = chunk.copy(frame, this.#have, 0, headerSize - this.#have);
      at += copied;
      this.#have += copied;
      if (this.#have < headerSize) return at;
      const whole = Buffer.allocUnsafe(headerSize + frameLength(frame, 0));
      frame.copy(whole, 0, 0, headerSize);
      frame = whole;
      this.#torn = whole;
    }
    const copied = chunk.copy(frame, this.#have, at, at + frame.length - this.#have);
    this.#have += copied;
    if (this.#have === frame.length) {
      this.#torn = undefined;
      sink(frame, 0, frame.length);
    }
    return at + copied;
  }
}

function frameLength(buffer: Buffer, at: number): number {
  const length = buffer.readUInt32BE(at);
  if (length === 0 || length > maxFrame)
    throw new Error(`a frame of ${length} bytes cannot be: the stream is out of step`);
  return length;
}

/** A frame as it goes on the wire. */
export function encodeFrame(frame: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headerSize + frame.length);
  bytes.writeUInt32BE(frame.length, 0);
  bytes.set(frame, headerSize);
  return bytes;
}
