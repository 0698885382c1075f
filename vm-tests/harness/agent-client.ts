import type { Duplex } from "node:stream";
import { AgentJob, type ExecResult, type OutputOptions } from "./agent-job.ts";
import {
  type AgentRequest,
  type Hello,
  type Identity,
  type TerminalSize,
  parseReply,
  requestLimit,
} from "./agent-messages.ts";
import { LineSplitter } from "./lines.ts";

export type { ExecResult } from "./agent-job.ts";

/** Input that comes while the program runs, such as a stream of Node. */
export type InputStream = AsyncIterable<string | Uint8Array>;

/** How a program is started. */
export type StartOptions = OutputOptions & {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Gives it a terminal of this size instead of three pipes; all it says is standard output then. */
  readonly pty?: TerminalSize;
  /** Kills the program. */
  readonly signal?: AbortSignal;
};

export type ExecOptions = StartOptions & {
  /** All of its input, or a stream of it; it sees the end of its input behind that. */
  readonly stdin?: string | Uint8Array | InputStream;
};

/** A program that runs in a guest. */
export type GuestProgram = {
  /** How it ended. Rejects when it could not start, was killed by us, or the guest restarted meanwhile. */
  readonly result: Promise<ExecResult>;
  /** Adds to its input; resolves when there is room for more. What a program that has ended would get is dropped. */
  write(data: string | Uint8Array): Promise<void>;
  /** Ends its input. In a terminal it is as if Ctrl-D was pressed. */
  end(): void;
  /** Its terminal has another size; no effect without one. */
  resize(size: TerminalSize): void;
  /** Ends it and what it started, by SIGKILL. */
  kill(why: string): void;
};

/** Bytes of one request that carries part of a file or of input. */
const filePiece = 512 * 1024;
const inputPiece = 64 * 1024;

/** Talks to the agent of one guest over its virtio-serial port; outlives reboots of the guest. */
export class AgentClient {
  readonly #stream: Duplex;
  readonly #jobs = new Map<number, AgentJob>();
  readonly #greeted = new Set<{
    readonly previous: Hello | undefined;
    readonly resolve: (hello: Hello) => void;
    readonly reject: (error: unknown) => void;
  }>();
  readonly #onEarly: (agent: AgentClient) => Promise<void>;
  #hello: Hello | undefined;
  #nextId = 1;
  #closed = false;

  /** `onEarly` is called in the early stage of each boot and is to end it with `release`; when it fails, so does `greeting`. */
  constructor(stream: Duplex, onEarly: (agent: AgentClient) => Promise<void> = (agent) => agent.release()) {
    this.#stream = stream;
    this.#onEarly = onEarly;
    const splitter = new LineSplitter((line) => this.#receive(line));
    stream.on("data", (chunk: Buffer) => splitter.push(chunk));
    // An error is followed by close, which ends all that waits.
    stream.on("error", () => {});
    stream.on("close", () => {
      this.#closed = true;
      this.forgetBoot("QEMU ended");
    });
  }

  /** The greeting of the boot that runs now; undefined before the agent is up. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** Forgets the boot that runs now, because it has ended or is about to. `why` ends the errors of what ran in it. */
  forgetBoot(why: string = "the guest was restarted"): void {
    this.#hello = undefined;
    this.#endJobs(why);
  }

  /** Resolves with the greeting of the current boot, or of the next when there is none yet or it is that of `previous`. */
  greeting(signal: AbortSignal, previous?: Hello): Promise<Hello> {
    const current = this.#hello;
    if (current !== undefined && current.bootId !== previous?.bootId) return Promise.resolve(current);
    const { promise, resolve, reject } = Promise.withResolvers<Hello>();
    const waiter = { previous, resolve, reject };
    const abort = (): void => reject(signal.reason);
    this.#greeted.add(waiter);
    signal.addEventListener("abort", abort, { once: true });
    return promise.finally(() => {
      this.#greeted.delete(waiter);
      signal.removeEventListener("abort", abort);
    });
  }

  /** Asks an agent for its greeting that gave one to somebody else: that of a clone, to the maker of its template. */
  async hail(): Promise<void> {
    await this.#request({ op: "ping" }, "ping");
  }

  /** Tells a guest in its early stage who it is. */
  async identify(identity: Identity): Promise<void> {
    await this.#request({ op: "identity", ...identity }, "taking an identity");
  }

  /** Ends the early stage. */
  async release(): Promise<void> {
    await this.#request({ op: "release" }, "release");
  }

  /** Runs a program. @throws when it cannot start, says too much, is aborted, or the guest restarts meanwhile. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { stdin = "" } = options;
    if (typeof stdin === "string" || stdin instanceof Uint8Array) {
      const request = { ...startRequest(argv, options), stdin: Buffer.from(stdin).toString("base64") };
      return this.#request(request, argv.join(" "), options.signal, options);
    }
    const program = this.start(argv, options);
    feed(program, stdin).catch((error: unknown) =>
      program.kill(`its input failed: ${error instanceof Error ? error.message : String(error)}`),
    );
    return program.result;
  }

  /** Starts a program that is given its input while it runs. @throws when QEMU has ended. */
  start(argv: readonly string[], options: StartOptions = {}): GuestProgram {
    const request = { ...startRequest(argv, options), streamInput: true };
    const { id, job } = this.#send(request, argv.join(" "), options.signal, options);
    return {
      result: job.result,
      write: async (data) => {
        const bytes = Buffer.from(data);
        for (let from = 0; from < bytes.length; from += inputPiece) {
          const piece = bytes.subarray(from, from + inputPiece);
          if (!(await job.room(piece.length))) return;
          this.#tell(id, { op: "input", data: piece.toString("base64") });
        }
      },
      end: () => this.#tell(id, { op: "eof" }),
      resize: (size) => this.#tell(id, { op: "resize", ...size }),
      kill: (why) => this.#kill(id, why),
    };
  }

  /** Moves the guest's clock by seconds. Gives what it said before and after, in seconds since 1970. */
  async jumpClock(jump: number): Promise<{ readonly before: number; readonly after: number }> {
    const { stdout } = await this.#request({ op: "clock", jump }, `set the clock by ${jump} s`);
    const [before = Number.NaN, after = Number.NaN] = stdout.split(" ").map(Number);
    return { before, after };
  }

  /** The content of a guest's file. */
  async readFile(path: string, signal?: AbortSignal): Promise<Buffer> {
    return (await this.#request({ op: "read", path }, `read ${path}`, signal)).bytes;
  }

  /** Replaces a guest's file; `mode` is 0644 for a new file unless told. */
  async writeFile(path: string, content: string | Uint8Array, mode?: number, signal?: AbortSignal): Promise<void> {
    const bytes = Buffer.from(content);
    for (let from = 0; from === 0 || from < bytes.length; from += filePiece) {
      const data = bytes.subarray(from, from + filePiece).toString("base64");
      const request: AgentRequest = {
        op: "write",
        path,
        data,
        append: from > 0,
        ...(mode === undefined ? {} : { mode }),
      };
      await this.#request(request, `write ${path}`, signal);
    }
  }

  async #request(
    request: AgentRequest,
    what: string,
    signal?: AbortSignal,
    output: OutputOptions = {},
  ): Promise<ExecResult> {
    return this.#send(request, what, signal, output).job.result;
  }

  #send(
    request: AgentRequest,
    what: string,
    signal: AbortSignal | undefined,
    output: OutputOptions,
  ): { readonly id: number; readonly job: AgentJob } {
    signal?.throwIfAborted();
    if (this.#closed) throw new Error(`"${what}" in the guest failed: QEMU has ended`);
    const id = this.#nextId++;
    const line = `${JSON.stringify({ id, ...request })}\n`;
    if (line.length > requestLimit)
      throw new Error(`"${what}" in the guest failed: its input is too long: write a file first`);
    const abort = (): void => this.#kill(id, signal?.reason instanceof Error ? signal.reason.message : "aborted");
    const job = new AgentJob(what, output);
    this.#jobs.set(id, job);
    signal?.addEventListener("abort", abort, { once: true });
    job.result.finally(() => signal?.removeEventListener("abort", abort)).catch(() => {});
    this.#stream.write(line);
    return { id, job };
  }

  /** Tells the agent something more about a request; nothing when that has ended. */
  #tell(id: number, request: AgentRequest): void {
    if (this.#jobs.has(id)) this.#stream.write(`${JSON.stringify({ id, ...request })}\n`);
  }

  #kill(id: number, why: string): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#tell(id, { op: "kill" });
    this.#jobs.delete(id);
    job.killed(why);
  }

  #receive(line: string): void {
    const reply = parseReply(line);
    if (reply === undefined) return;
    if (reply.kind === "hello") {
      this.#greet(reply.hello);
      return;
    }
    const job = reply.id === null ? undefined : this.#jobs.get(reply.id);
    if (job === undefined || reply.id === null) return;
    switch (reply.kind) {
      case "data":
        if (!job.data(reply.stream, reply.data)) this.#kill(reply.id, `it said more than ${job.limit} bytes`);
        break;
      case "taken":
        job.taken(reply.taken);
        break;
      case "exit":
        this.#jobs.delete(reply.id);
        job.end(reply.exit, reply.signal);
        break;
      case "error":
        this.#jobs.delete(reply.id);
        job.fail(reply.error);
        break;
      case "pong":
        this.#jobs.delete(reply.id);
        this.#boot(reply.pong);
        job.end(0, null);
        break;
    }
  }

  #greet(hello: Hello): void {
    this.#endJobs("the agent was restarted");
    // Ends what the agent before this one may have read half.
    this.#stream.write("\n");
    if (hello.stage === "up") {
      this.#boot(hello);
      return;
    }
    this.#hello = undefined;
    this.#onEarly(this).catch((error: unknown) => {
      for (const { reject } of this.#greeted) reject(error);
    });
  }

  #boot(hello: Hello): void {
    this.#hello = hello;
    for (const { previous, resolve } of this.#greeted) if (hello.bootId !== previous?.bootId) resolve(hello);
  }

  #endJobs(why: string): void {
    for (const job of this.#jobs.values()) job.fail(why);
    this.#jobs.clear();
  }
}

function startRequest(
  argv: readonly string[],
  { env, cwd, pty }: StartOptions,
): AgentRequest & { readonly op: "exec" } {
  return {
    op: "exec",
    argv,
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(pty === undefined ? {} : { pty }),
  };
}

/** Gives a program its input. When it ends before that does, the rest is not asked for. */
async function feed(program: GuestProgram, input: InputStream): Promise<void> {
  let over = false;
  program.result.finally(() => (over = true)).catch(() => {});
  for await (const chunk of input) {
    await program.write(chunk);
    if (over) return;
  }
  program.end();
}
