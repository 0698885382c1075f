import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Target } from "../model/kernel.ts";
import type { Sandbox } from "./sandbox.ts";
import type { TargetAnswer } from "./target-command.ts";

/** The kernel of a sandbox, brought from target to target by one `target` process in it. */
export class RealKernel implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  #said = "";

  constructor(sandbox: Sandbox) {
    const main = join(import.meta.dirname, "main.ts");
    const [program, ...words] = [...sandbox.inside(), process.execPath, main, "target", "--dir", sandbox.dir];
    this.#child = spawn(program, words, { cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
    this.#child.stdin.on("error", () => undefined);
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Applies a target, which has no secrets: their text would not be in what is sent. */
  async reach(target: Target): Promise<TargetAnswer> {
    this.#child.stdin.write(`${JSON.stringify(target)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`the process that applies targets ended: ${this.#said}`);
    return JSON.parse(value) as TargetAnswer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin.end();
    await ended;
  }
}
