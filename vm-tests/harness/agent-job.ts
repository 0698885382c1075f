/** How a program ended and what it said. */
export type ExecResult = {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: number | null;
  /** Empty when `onStdout` had it. */
  readonly stdout: string;
  /** Empty when `onStderr` had it. */
  readonly stderr: string;
  /** Standard output as it came, for what is no text. */
  readonly bytes: Buffer;
};

/** What becomes of a program's output. */
export type OutputOptions = {
  /** Called with each piece as it comes; the output is not kept then, so a program may talk for ever. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  /** Most bytes of both outputs together that are kept; the program is killed beyond. 16 MiB unless told. */
  readonly maxOutput?: number;
};

/** Most bytes of input that are on the way to a program: a guest has little memory, and the program may be slow. */
const inputWindow = 256 * 1024;

/** One request that the agent works on, and what it has said of it so far. */
export class AgentJob {
  readonly what: string;
  readonly result: Promise<ExecResult>;
  readonly #output: OutputOptions;
  readonly #resolve: (result: ExecResult) => void;
  readonly #reject: (error: Error) => void;
  readonly #kept: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  #size = 0;
  #inputOnWay = 0;
  #wake = Promise.withResolvers<void>();
  #over = false;

  constructor(what: string, output: OutputOptions = {}) {
    this.what = what;
    this.#output = output;
    const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
    [this.result, this.#resolve, this.#reject] = [promise, resolve, reject];
    // Whoever streams may look at the result much later, or never.
    promise.catch(() => {});
  }

  /** Takes a piece of output; false when it is more than may be kept. */
  data(stream: "stdout" | "stderr", chunk: Buffer): boolean {
    const callback = stream === "stdout" ? this.#output.onStdout : this.#output.onStderr;
    if (callback !== undefined) {
      callback(chunk);
      return true;
    }
    this.#kept[stream].push(chunk);
    this.#size += chunk.length;
    return this.#size <= this.limit;
  }

  get limit(): number {
    return this.#output.maxOutput ?? 16 << 20;
  }

  /** Waits until so many bytes of input fit on the way; false when the program has ended. */
  async room(bytes: number): Promise<boolean> {
    while (!this.#over && this.#inputOnWay > 0 && this.#inputOnWay + bytes > inputWindow) await this.#wake.promise;
    if (!this.#over) this.#inputOnWay += bytes;
    return !this.#over;
  }

  taken(bytes: number): void {
    this.#inputOnWay -= bytes;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  end(code: number | null, signal: number | null): void {
    this.#close();
    const bytes = Buffer.concat(this.#kept.stdout);
    const stderr = Buffer.concat(this.#kept.stderr).toString();
    this.#resolve({ code, signal, stdout: bytes.toString(), stderr, bytes });
  }

  /** Ends it without a result. */
  fail(why: string): void {
    this.#close();
    this.#reject(new Error(`"${this.what}" in the guest failed: ${why}`));
  }

  /** The same for what we ended ourselves, with the end of what it had said. */
  killed(why: string): void {
    this.#close();
    const said = Buffer.concat([...this.#kept.stdout, ...this.#kept.stderr])
      .toString()
      .slice(-2000);
    const shown = said === "" ? "" : `; it had said:\n${said}`;
    this.#reject(new Error(`"${this.what}" in the guest was killed: ${why}${shown}`));
  }

  #close(): void {
    this.#over = true;
    this.#wake.resolve();
  }
}
