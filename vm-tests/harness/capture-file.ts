import { type FileHandle, open } from "node:fs/promises";
import { type Direction, captureHeader, packetBlockSize, writePacketBlock } from "./pcapng-write.ts";

const chunkSize = 256 * 1024;
const flushMs = 100;

type Chunk = { readonly bytes: Buffer; readonly words: Uint32Array; used: number };

/**
 * A capture of one link. No frame is dropped: `backlog` tells how many bytes wait for the disk, and whoever feeds it stops
 * reading frames when that grows. A failed write ends the capture, and `flush` tells.
 */
export class CaptureFile implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  #chunk: Chunk = newChunk();
  #spare: Chunk | undefined;
  #backlog = 0;
  #tail: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;

  static async open(path: string, interfaceName: string): Promise<CaptureFile> {
    const file = await open(path, "w");
    try {
      await file.write(captureHeader(interfaceName));
    } catch (error) {
      await file.close();
      throw error;
    }
    return new CaptureFile(path, file);
  }

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Bytes that are on their way to the disk. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Adds the bytes of `buffer` from `start` to `end`; `time` is in microseconds since 1970. */
  add(buffer: Buffer, start: number, end: number, direction: Direction, time: number): void {
    if (this.#failure !== undefined) return;
    const size = packetBlockSize(end - start);
    if (this.#chunk.used + size > chunkSize) this.#rotate();
    writePacketBlock(this.#chunk, this.#chunk.used, { buffer, start, end }, direction, time);
    this.#chunk.used += size;
    this.#timer ??= setTimeout(() => this.#rotate(), flushMs);
  }

  /** Resolves when all that was added is in the file. @throws when something of it is missing, now and ever after. */
  async flush(): Promise<void> {
    await this.drain();
    if (this.#failure !== undefined) {
      throw new Error(`the capture ${this.path} is incomplete: ${this.#failure.message}`, { cause: this.#failure });
    }
  }

  /** Resolves when nothing waits for the disk any more. */
  drain(): Promise<void> {
    this.#rotate();
    return this.#tail;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
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
      for (let at = 0; at < chunk.used;) {
        at += (await this.#file.write(chunk.bytes, at, chunk.used - at)).bytesWritten;
      }
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
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
