import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EngineAnswer, EngineRequest } from "./engine-command.ts";
import { LineChild } from "./line-child.ts";
import type { Sandbox } from "./sandbox.ts";

/** A daemon in a sandbox whose members a test lets join and leave. Started again, it finds what it left. */
export class EngineChild implements AsyncDisposable {
  readonly #child: LineChild;

  private constructor(child: LineChild) {
    this.#child = child;
  }

  /** Starts it with documents as the configuration, and waits for its first pass. */
  static async start(sandbox: Sandbox, yaml: string): Promise<EngineChild> {
    const places = { root: "root", config: "config", runtime: "run" };
    const words = Object.entries(places).flatMap(([key, name]) => [`--${key}`, join(sandbox.dir, name)]);
    await mkdir(join(sandbox.dir, "config"), { recursive: true });
    await writeFile(join(sandbox.dir, "config/node.yaml"), yaml);
    const main = join(import.meta.dirname, "main.ts");
    const socket = ["--socket", join(sandbox.dir, "netloom.sock"), "--services", sandbox.scanDir, "--cmdline", "quiet"];
    const child = new EngineChild(
      new LineChild([...sandbox.inside(), process.execPath, main, "engine", ...words, ...socket]),
    );
    await child.#answer();
    return child;
  }

  async ask(request: EngineRequest): Promise<EngineAnswer> {
    this.#child.send(JSON.stringify(request));
    return JSON.parse(await this.#answer()) as EngineAnswer;
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    await this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }

  /** The next answer: what it announces to the console is none. */
  async #answer(): Promise<string> {
    for (;;) {
      const line = await this.#child.next();
      if (line.startsWith("{")) return line;
    }
  }
}
