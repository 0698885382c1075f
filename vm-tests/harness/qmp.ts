import type { Duplex } from "node:stream";
import { LineSplitter } from "./lines.ts";

/** An event of QEMU, such as SHUTDOWN, RESET or GUEST_PANICKED (docs/interop/qmp-spec). */
export type QmpEvent = { readonly event: string; readonly data?: Readonly<Record<string, unknown>> };

type Message = Partial<QmpEvent> & {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
};

type Waiter = {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
};

/** A client of QEMU's machine protocol over a connected stream. */
export class Qmp {
  readonly #stream: Duplex;
  readonly #onEvent: (event: QmpEvent) => void;
  readonly #waiting = new Map<number, Waiter>();
  #nextId = 1;
  #closed = false;

  constructor(stream: Duplex, onEvent: (event: QmpEvent) => void) {
    this.#stream = stream;
    this.#onEvent = onEvent;
    const splitter = new LineSplitter((line) => this.#receive(line));
    stream.on("data", (chunk: Buffer) => splitter.push(chunk));
    // An error is followed by close, which ends all that waits.
    stream.on("error", () => {});
    stream.on("close", () => this.#close());
    // QEMU queues input, so the greeting need not be awaited.
    this.execute("qmp_capabilities").catch(() => {});
  }

  /** Runs a command. @throws when QEMU refuses it (with its own words) or ends before it answers. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error(`QMP ${command} failed: QEMU has ended`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { command, resolve, reject });
      this.#stream.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  #receive(line: string): void {
    if (line.trim() === "") return;
    const message = JSON.parse(line) as Message;
    if (message.event !== undefined) {
      this.#onEvent(
        message.data === undefined ? { event: message.event } : { event: message.event, data: message.data },
      );
      return;
    }
    const waiter = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (waiter === undefined || message.id === undefined) return;
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiter.resolve(message.return);
    else waiter.reject(new Error(`QMP ${waiter.command} failed: ${message.error.class}: ${message.error.desc}`));
  }

  #close(): void {
    this.#closed = true;
    for (const waiter of this.#waiting.values()) {
      waiter.reject(new Error(`QMP ${waiter.command} failed: QEMU ended before it answered`));
    }
    this.#waiting.clear();
  }
}
