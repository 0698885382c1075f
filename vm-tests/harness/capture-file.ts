import { type FileHandle, open } from "node:fs/promises";
import { type Direction, captureHeader, packetBlockSize, writePacketBlock } from "./pcapng-write.ts";

const chunkSize = 256 * 1024;
const flushMs = 100;

type Chunk = { readonly bytes: Buffer; readonly words: Uint32Array; used: number };

/**
 * A capture of one link. No frame is dropped: `backlog` tells how many bytes wait for the disk, and whoever feeds it stops
 * reading frames when that grows. A failed write ends the capture and is reported once.
 */
export class CaptureFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #onError: (error: Error) => void;
  #chunk: Chunk = newChunk();
  #spare: Chunk | undefined;
  #backlog = 0;
  #tail: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failed = false;

  static async open(path: string, interfaceName: string, onError: (error: Error) => void): Promise<CaptureFile> {
    const file = await open(path, "w");
    await file.write(captureHeader(interfaceName));
    return new CaptureFile(file, onError);
  }

  private constructor(file: FileHandle, onError: (error: Error) => void) {
    this.#file = file;
    this.#onError = onError;
  }

  /** Bytes that are on their way to the disk. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Adds the bytes of `buffer` from `start` to `end`; `time` is in microseconds since 1970. */
  add(buffer: Buffer, start: number, end: number, direction: Direction, time: number): void {
    if (this.#failed) return;
    const size = packetBlockSize(end - start);
    if (this.#chunk.used + size > chunkSize) this.#rotate();
    writePacketBlock(this.#chunk, this.#chunk.used, { buffer, start, end }, direction, time);
    this.#chunk.used += size;
    this.#timer ??= setTimeout(() => this.#rotate(), flushMs);
  }

  /** Resolves when all that was added is in the file. */
  flush(): Promise<void> {
    this.#rotate();
    return this.#tail;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    await this.#file.close();
  }

  #rotate(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const chunk = this.#chunk;
    if (chunk.used === 0) return;
    this.#chunk = this.#spare ?? newChunk();
    this.#spare = undefined;
    this.#backlog += chunk.used;
    this.#tail = this.#tail.then(() => this.#write(chunk));
  }

  async #write(chunk: Chunk): Promise<void> {
    try {
      for (let at = 0; at < chunk.used; ) {
        at += (await this.#file.write(chunk.bytes, at, chunk.used - at)).bytesWritten;
      }
    } catch (error) {
      if (!this.#failed) this.#onError(error instanceof Error ? error : new Error(String(error)));
      this.#failed = true;
    }
    this.#backlog -= chunk.used;
    chunk.used = 0;
    this.#spare = chunk;
  }
}

function newChunk(): Chunk {
  const bytes = Buffer.from(new ArrayBuffer(chunkSize));
  return { bytes, words: new Uint32Array(bytes.buffer), used: 0 };
}
