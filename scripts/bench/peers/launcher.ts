import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/**
 * A shell that starts programs for us: it forks in a third of the time that this runtime needs, and a peer shall not pay for
 * what is ours. Commands are shell text; quote what is not known to be a plain word.
 */
export class Launcher implements AsyncDisposable {
  readonly #shell: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  #said = "";

  constructor() {
    this.#shell = spawn("sh", [], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#shell.stderr.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
    this.#lines = createInterface(this.#shell.stdout);
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** Runs a command that has to succeed. What it prints is read and dropped, as a caller that waits for its end does. */
  async run(command: string): Promise<void> {
    await this.#tell(`out=$(${command}) && echo 0 || echo "$? $out"\n`, command);
  }

  /** Starts all commands at once and waits for the last one's end. Each has to succeed. */
  async runAtOnce(commands: readonly string[]): Promise<void> {
    const started = commands.map((command) => `(${command}) >/dev/null & pids="$pids $!"\n`).join("");
    await this.#tell(
      `pids=\n${started}bad=0; for p in $pids; do wait $p || bad=$?; done; echo $bad\n`,
      commands[0] ?? "",
    );
  }

  async #tell(script: string, what: string): Promise<void> {
    this.#said = "";
    this.#shell.stdin.write(script);
    const answer = await this.#answers.next();
    if (answer.done === true || answer.value !== "0")
      throw new Error(`${what}: ${answer.done === true ? "the shell ended" : answer.value} ${this.#said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines.close();
    this.#shell.stdin.end();
    await once(this.#shell, "close");
  }
}
