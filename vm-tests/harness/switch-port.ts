import { type Server, type Socket, createServer } from "node:net";
import { once } from "node:events";
import type { CaptureFile } from "./capture-file.ts";
import { FrameDecoder, headerSize } from "./frame-codec.ts";
import type { PortCounters } from "./switch-messages.ts";

const congestedAt = 256 * 1024;
/** How long other ports wait for one that takes no frames; then it loses them, as on a real switch. */
const patienceMs = 20;

/** What a port tells the switch. */
export type PortEvents = {
  /** Frames of one read begin; `time` in microseconds since 1970 holds for all of them. */
  readonly frame: (port: SwitchPort, buffer: Buffer, start: number, end: number, time: number) => void;
  /** The frames of one read are through: send what they caused. */
  readonly batchEnd: (port: SwitchPort) => void;
  readonly connected: (port: SwitchPort) => void;
  readonly disconnected: (port: SwitchPort) => void;
};

/** One port: a unix socket that one QEMU connects to, frames in and out, counters. */
export class SwitchPort implements AsyncDisposable {
  readonly name: string;
  readonly capture: CaptureFile | undefined;
  readonly #events: PortEvents;
  readonly #server: Server;
  #socket: Socket | undefined;
  /** Pieces of buffers that wait for the end of the batch; frames that lie side by side are one piece. */
  #pieces: Buffer[] = [];
  #run: { buffer: Buffer; start: number; end: number } | undefined;
  /** Ports that wait until this one takes frames again. */
  readonly #waiting = new Set<SwitchPort>();
  #patience: NodeJS.Timeout | undefined;
  #stalled = false;
  #holds = 0;
  readonly #from = { frames: 0, bytes: 0 };
  readonly #to = { frames: 0, bytes: 0 };
  #dropped = 0;

  constructor(name: string, capture: CaptureFile | undefined, events: PortEvents) {
    this.name = name;
    this.capture = capture;
    this.#events = events;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, "listening");
  }

  get counters(): PortCounters {
    const connected = this.#socket !== undefined;
    return { connected, fromGuest: { ...this.#from }, toGuest: { ...this.#to }, dropped: this.#dropped };
  }

  /** Queues one frame, header included, until `flush`. */
  transmit(buffer: Buffer, start: number, end: number, time: number): void {
    if (this.#socket === undefined || this.#stalled) {
      this.#dropped++;
      return;
    }
    this.#to.frames++;
    this.#to.bytes += end - start - headerSize;
    this.capture?.add(buffer, start + headerSize, end, "to-guest", time);
    const run = this.#run;
    if (run !== undefined && run.buffer === buffer && run.end === start) {
      run.end = end;
      return;
    }
    this.#endRun();
    this.#run = { buffer, start, end };
  }

  /** Sends what is queued; `cause` is held back while this port is congested. */
  flush(cause: SwitchPort): void {
    this.#endRun();
    const pieces = this.#pieces;
    const socket = this.#socket;
    if (pieces.length === 0 || socket === undefined) return;
    this.#pieces = [];
    // One system call for all of them.
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
    if (socket.writableLength > congestedAt && !this.#stalled) this.#congest(cause);
  }

  /** Stops reading from the guest until `release` was called as often. */
  hold(): void {
    if (this.#holds++ === 0) this.#socket?.pause();
  }

  release(): void {
    if (--this.#holds === 0) this.#socket?.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, "close");
    await this.capture?.[Symbol.asyncDispose]();
  }

  #accept(socket: Socket): void {
    // A guest that was started again connects before the end of its forerunner is noticed.
    this.#socket?.destroy();
    this.#socket = socket;
    const decoder = new FrameDecoder();
    let time = 0;
    const sink = (buffer: Buffer, start: number, end: number): void => {
      this.#from.frames++;
      this.#from.bytes += end - start - headerSize;
      this.capture?.add(buffer, start + headerSize, end, "from-guest", time);
      this.#events.frame(this, buffer, start, end, time);
    };
    socket.on("data", (chunk: Buffer) => {
      time = Math.round((performance.timeOrigin + performance.now()) * 1000);
      try {
        decoder.push(chunk, sink);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
      this.#events.batchEnd(this);
    });
    socket.on("drain", () => this.#relieve());
    // An error is followed by close.
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#pieces = [];
      this.#run = undefined;
      this.#relieve();
      this.#events.disconnected(this);
    });
    if (this.#holds > 0) socket.pause();
    this.#events.connected(this);
  }

  #endRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#pieces.push(run.buffer.subarray(run.start, run.end));
    this.#run = undefined;
  }

  #congest(cause: SwitchPort): void {
    if (!this.#waiting.has(cause)) {
      this.#waiting.add(cause);
      cause.hold();
    }
    this.#patience ??= setTimeout(() => {
      this.#relieve();
      this.#stalled = this.#socket !== undefined;
    }, patienceMs);
  }

  #relieve(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#stalled = false;
    for (const port of this.#waiting) port.release();
    this.#waiting.clear();
  }
}
