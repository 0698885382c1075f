import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** A program that answers each line of its standard input by a line of its standard output. */
export class LineChild implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  #said = "";

  constructor([program = "", ...words]: readonly string[]) {
    this.#child = spawn(program, words, { cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
    this.#child.stdin.on("error", () => undefined);
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next line that it prints. */
  async next(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`the program ended: ${this.#said}`);
    return value;
  }

  /** Ends it by a signal. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const ended = this.#ended();
    this.#child.kill(signal);
    await ended;
  }

  /** Ends its input, and waits for its own end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#ended();
    this.#child.stdin.end();
    await ended;
  }

  async #ended(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await new Promise((resolve) => this.#child.once("close", resolve));
  }
}
