import type { Duplex } from "node:stream";
import { type AgentRequest, type Hello, type Identity, parseReply, requestLimit } from "./agent-messages.ts";
import { LineSplitter } from "./lines.ts";

/** How a program ended and what it said. */
export type ExecResult = {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came, for what is no text. */
  readonly bytes: Buffer;
};

export type ExecOptions = {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Most bytes of both outputs together; the program is killed beyond. 16 MiB unless told. */
  readonly maxOutput?: number;
  readonly signal?: AbortSignal;
};

type Job = {
  readonly what: string;
  readonly stdout: Buffer[];
  readonly stderr: Buffer[];
  size: number;
  readonly limit: number;
  readonly resolve: (result: ExecResult) => void;
  readonly reject: (error: Error) => void;
};

const piece = 512 * 1024;

/** Talks to the agent of one guest over its virtio-serial port; outlives reboots of the guest. */
export class AgentClient {
  readonly #stream: Duplex;
  readonly #jobs = new Map<number, Job>();
  readonly #greeted = new Set<{
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
      this.#endJobs("QEMU ended");
    });
  }

  /** The greeting of the boot that runs now; undefined before the agent is up. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** Forgets the boot that runs now, because the caller is about to end it. */
  forgetBoot(): void {
    this.#hello = undefined;
    this.#endJobs("the guest was restarted");
  }

  /** Resolves with the greeting of the current boot, or of the next when there is none yet. */
  greeting(signal: AbortSignal): Promise<Hello> {
    if (this.#hello !== undefined) return Promise.resolve(this.#hello);
    const { promise, resolve, reject } = Promise.withResolvers<Hello>();
    const waiter = { resolve, reject };
    const abort = (): void => reject(signal.reason);
    this.#greeted.add(waiter);
    signal.addEventListener("abort", abort, { once: true });
    return promise.finally(() => {
      this.#greeted.delete(waiter);
      signal.removeEventListener("abort", abort);
    });
  }

  /** Runs the early stage of a guest that waits in it already: a clone greeted the host of its template. */
  early(): void {
    this.#onEarly(this).catch((error: unknown) => {
      for (const { reject } of this.#greeted) reject(error);
    });
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
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const request: AgentRequest = {
      op: "exec",
      argv,
      ...(options.stdin === undefined ? {} : { stdin: Buffer.from(options.stdin).toString("base64") }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    };
    return this.#request(request, argv.join(" "), options.signal, options.maxOutput);
  }

  /** The content of a guest's file. */
  async readFile(path: string, signal?: AbortSignal): Promise<Buffer> {
    return (await this.#request({ op: "read", path }, `read ${path}`, signal)).bytes;
  }

  /** Replaces a guest's file; `mode` is 0644 for a new file unless told. */
  async writeFile(path: string, content: string | Uint8Array, mode?: number, signal?: AbortSignal): Promise<void> {
    const bytes = Buffer.from(content);
    for (let from = 0; from === 0 || from < bytes.length; from += piece) {
      const data = bytes.subarray(from, from + piece).toString("base64");
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
    limit: number = 16 << 20,
  ): Promise<ExecResult> {
    signal?.throwIfAborted();
    if (this.#closed) throw new Error(`"${what}" in the guest failed: QEMU has ended`);
    const id = this.#nextId++;
    const line = `${JSON.stringify({ id, ...request })}\n`;
    if (line.length > requestLimit)
      throw new Error(`"${what}" in the guest failed: its input is too long: write a file first`);
    const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
    const abort = (): void => this.#kill(id, signal?.reason instanceof Error ? signal.reason.message : "aborted");
    this.#jobs.set(id, { what, stdout: [], stderr: [], size: 0, limit, resolve, reject });
    signal?.addEventListener("abort", abort, { once: true });
    this.#stream.write(line);
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #kill(id: number, why: string): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#jobs.delete(id);
    this.#stream.write(`${JSON.stringify({ id, op: "kill" } satisfies AgentRequest & { id: number })}\n`);
    const said = Buffer.concat([...job.stdout, ...job.stderr])
      .toString()
      .slice(-2000);
    job.reject(
      new Error(`"${job.what}" in the guest was killed: ${why}${said === "" ? "" : `; it had said:\n${said}`}`),
    );
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
        job[reply.stream].push(reply.data);
        job.size += reply.data.length;
        if (job.size > job.limit) this.#kill(reply.id, `it said more than ${job.limit} bytes`);
        break;
      case "exit": {
        this.#jobs.delete(reply.id);
        const bytes = Buffer.concat(job.stdout);
        const stderr = Buffer.concat(job.stderr).toString();
        job.resolve({ code: reply.exit, signal: reply.signal, stdout: bytes.toString(), stderr, bytes });
        break;
      }
      case "error":
        this.#jobs.delete(reply.id);
        job.reject(new Error(`"${job.what}" in the guest failed: ${reply.error}`));
        break;
      case "pong":
        break;
    }
  }

  #greet(hello: Hello): void {
    this.#endJobs("the agent was restarted");
    // Ends what the agent before this one may have read half.
    this.#stream.write("\n");
    if (hello.stage === "early") {
      this.#hello = undefined;
      this.early();
      return;
    }
    this.#hello = hello;
    for (const { resolve } of this.#greeted) resolve(hello);
  }

  #endJobs(why: string): void {
    for (const job of this.#jobs.values()) job.reject(new Error(`"${job.what}" in the guest failed: ${why}`));
    this.#jobs.clear();
  }
}
