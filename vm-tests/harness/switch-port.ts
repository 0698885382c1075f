import { type Server, type Socket, createServer } from "node:net";
import { once } from "node:events";
import { CaptureFile } from "./capture-file.ts";
import type { DelayLine } from "./delay-line.ts";
import { FrameDecoder, headerSize } from "./frame-codec.ts";
import { impairmentModel, linkRandom } from "./impairment.ts";
import { LinkPipe, type Travelling } from "./link-pipe.ts";
import type { Direction } from "./pcapng-write.ts";
import type { LinkSetting, PortCounters } from "./switch-messages.ts";

const congestedAt = 256 * 1024;
/** How long other ports wait for one that takes no frames; then it loses them, as on a real switch. */
const patienceMs = 20;

/** What a port tells the switch. */
export type PortEvents = {
  /** A frame of the guest has come to the end of the cable at the switch; `time` in microseconds since 1970. */
  readonly frame: (port: SwitchPort, buffer: Buffer, start: number, end: number, time: number) => void;
  /** The first frame for its guest waits for `flush`. */
  readonly queued: (port: SwitchPort) => void;
  /** The frames of one read are through: send what they caused. */
  readonly batchEnd: (port: SwitchPort, time: number) => void;
  readonly connected: (port: SwitchPort) => void;
  readonly disconnected: (port: SwitchPort) => void;
};

/** Microseconds since 1970, never going back. */
export function microsecondsNow(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

/** One port: a unix socket that one QEMU connects to, frames in and out over a cable with properties, counters, captures. */
export class SwitchPort implements AsyncDisposable {
  readonly name: string;
  /** The cable, one pipe for each direction. */
  readonly fromGuest: LinkPipe<SwitchPort>;
  readonly toGuest: LinkPipe<SwitchPort>;
  readonly #events: PortEvents;
  readonly #server: Server;
  #captures: readonly CaptureFile[] = [];
  #settings = 0;
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

  constructor(name: string, line: DelayLine<Travelling<SwitchPort>>, events: PortEvents) {
    this.name = name;
    this.#events = events;
    this.fromGuest = new LinkPipe(line, (sender, buffer, start, end, now) => {
      events.frame(sender, buffer, start, end, now);
      return undefined;
    });
    this.toGuest = new LinkPipe(line, (_, buffer, start, end, now) => this.#transmit(buffer, start, end, now));
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, "listening");
  }

  get counters(): PortCounters {
    return {
      connected: this.#socket !== undefined,
      fromGuest: { ...this.#from, ...this.fromGuest.counters },
      toGuest: { ...this.#to, ...this.toGuest.counters },
    };
  }

  get captures(): readonly CaptureFile[] {
    return this.#captures;
  }

  /** Captures into one more file. @throws when it cannot be written, or is written already. */
  async startCapture(path: string): Promise<void> {
    if (this.#captures.some((capture) => capture.path === path)) throw new Error(`${path} is being written already`);
    const capture = await CaptureFile.open(path, this.name);
    this.#captures = [...this.#captures, capture];
  }

  /** Ends a capture, complete with all that was seen until now. @throws when something is missing in it. */
  async stopCapture(path: string): Promise<void> {
    const capture = this.#captures.find((candidate) => candidate.path === path);
    if (capture === undefined) throw new Error(`${this.name} is not being captured into ${path}`);
    this.#captures = this.#captures.filter((candidate) => candidate !== capture);
    await using ending = capture;
    await ending.flush();
  }

  /** Sets what the cable does from now on. */
  set({ carrier, directions, impairment, seed }: LinkSetting, now: number): void {
    this.#settings++;
    for (const pipe of [this.fromGuest, this.toGuest]) if (carrier !== undefined) pipe.setCarrier(carrier === "up");
    const pipes: Readonly<Record<Direction, LinkPipe<SwitchPort>>> = {
      "from-guest": this.fromGuest,
      "to-guest": this.toGuest,
    };
    for (const direction of directions) {
      const random = linkRandom(seed, this.name, direction, this.#settings);
      pipes[direction].set(impairment === undefined ? undefined : impairmentModel(impairment, random), now);
    }
  }

  /** Sends what is queued; the ports that caused it are held back while this one is congested. */
  flush(causes: Iterable<SwitchPort>): void {
    this.#endRun();
    const pieces = this.#pieces;
    const socket = this.#socket;
    if (pieces.length === 0 || socket === undefined) return;
    this.#pieces = [];
    // One system call for all of them.
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
    if (socket.writableLength > congestedAt && !this.#stalled) this.#congest(causes);
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
    await Promise.all(this.#captures.map((capture) => capture[Symbol.asyncDispose]()));
  }

  /** Queues one frame, header included, until `flush`. */
  #transmit(buffer: Buffer, start: number, end: number, time: number): "away" | "congested" | undefined {
    if (this.#socket === undefined) return "away";
    if (this.#stalled) return "congested";
    this.#to.frames++;
    this.#to.bytes += end - start - headerSize;
    for (const capture of this.#captures) capture.add(buffer, start + headerSize, end, "to-guest", time);
    const run = this.#run;
    if (run !== undefined && run.buffer === buffer && run.end === start) {
      run.end = end;
      return undefined;
    }
    if (run === undefined) this.#events.queued(this);
    else this.#endRun();
    this.#run = { buffer, start, end };
    return undefined;
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
      for (const capture of this.#captures) capture.add(buffer, start + headerSize, end, "from-guest", time);
      this.fromGuest.enter(this, buffer, start, end, time);
    };
    socket.on("data", (chunk: Buffer) => {
      time = microsecondsNow();
      try {
        decoder.push(chunk, sink);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
      this.#events.batchEnd(this, time);
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

  #congest(causes: Iterable<SwitchPort>): void {
    for (const cause of causes) {
      if (cause === this || this.#waiting.has(cause)) continue;
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
