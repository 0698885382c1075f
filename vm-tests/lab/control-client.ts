import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { LineSplitter } from "../harness/lines.ts";
import type { ControlReply, ControlRequest } from "./messages.ts";

/** What a request may tell before its answer. */
export type Progress = {
  readonly onLog?: (line: string) => void;
  readonly onData?: (stream: "stdout" | "stderr", data: Buffer) => void;
};

type Waiter = Progress & {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** What remarks wait for, in their order. */
  readonly untaken: (() => void)[];
};

type Unnumbered<T> = T extends { readonly id: number } ? Omit<T, "id"> : never;
/** A request that is answered. */
export type Question = Unnumbered<ControlRequest>;
/** A request that is not. */
export type Remark = Extract<ControlRequest, { readonly of: number }>;

/** True when somebody listens on a unix socket. */
export async function canConnect(path: string): Promise<boolean> {
  const socket = connect(path);
  const connected = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "error").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return connected;
}

/** A connection to the control socket of a lab. Programs that it started in guests end with it. */
export class ControlClient implements Disposable {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiter>();
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const splitter = new LineSplitter((line) => this.#receive(JSON.parse(line) as ControlReply));
    socket.on("data", (chunk: Buffer) => splitter.push(chunk));
    // An error is followed by close.
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const { reject, untaken } of this.#waiting.values()) {
        reject(new Error("the lab ended"));
        for (const release of untaken) release();
      }
      this.#waiting.clear();
    });
  }

  static async connect(path: string): Promise<ControlClient> {
    const socket = connect(path);
    await once(socket, "connect");
    return new ControlClient(socket);
  }

  /** Resolves with the answer. @throws what the lab says went wrong, and when it ends meanwhile. */
  ask(question: Question, progress: Progress = {}): Promise<unknown> {
    return this.open(question, progress).answer;
  }

  /** The same with the id, for remarks on it. */
  open(question: Question, progress: Progress = {}): { readonly id: number; readonly answer: Promise<unknown> } {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { ...progress, resolve, reject, untaken: [] });
    this.#socket.write(`${JSON.stringify({ id, ...question })}\n`);
    return { id, answer: promise };
  }

  /** Tells something about a request that runs. Resolves when that has taken it, or has ended. */
  async remark(remark: Remark): Promise<void> {
    const waiter = this.#waiting.get(remark.of);
    if (waiter === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiter.untaken.push(resolve);
    this.#socket.write(`${JSON.stringify(remark)}\n`);
    await promise;
  }

  /** Resolves when the lab has hung up. */
  async closed(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, "close");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #receive(reply: ControlReply): void {
    const waiter = this.#waiting.get(reply.id);
    if (waiter === undefined) return;
    if ("log" in reply) waiter.onLog?.(reply.log);
    else if ("stream" in reply) waiter.onData?.(reply.stream, Buffer.from(reply.data, "base64"));
    else if ("taken" in reply) waiter.untaken.shift()?.();
    else {
      this.#waiting.delete(reply.id);
      for (const release of waiter.untaken) release();
      if ("error" in reply) waiter.reject(new Error(reply.error));
      else waiter.resolve(reply.result);
    }
  }
}
