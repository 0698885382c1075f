import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";
import { settingsEnvironment } from "../harness/run-settings.ts";

/** `npm run lab -- …` in a process of its own, as a user would type it, with what it has said so far. */
export class ChildRun implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said = "";

  /** What the command leaves goes into `artifacts`; labs that can be entered are in `labs`. */
  constructor(words: readonly string[], { artifacts, labs }: { readonly artifacts: string; readonly labs?: string }) {
    // What a run is told by its environment is meant for its scenarios, not for a run inside of one.
    const own = settingsEnvironment({ seed: 1, keep: "", artifacts: "", only: [], progress: true });
    const inherited = Object.entries(process.env).filter(([name]) => !(name in own));
    const env = {
      ...Object.fromEntries(inherited),
      NETLOOM_ARTIFACTS: artifacts,
      ...(labs === undefined ? {} : { NETLOOM_LABS: labs }),
    };
    this.#child = spawn(process.execPath, [join(repository, "scripts/lab.ts"), ...words], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const output of [this.#child.stdout, this.#child.stderr])
      output?.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#ended = once(this.#child, "close");
  }

  get said(): string {
    return this.#said;
  }

  /** Waits for its end and gives the exit code. */
  async code(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  /** Waits until it has said something that matches. @throws with all that it said when it ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#said);
      if (found !== null) return found;
      const more = this.#child.stdout === null ? undefined : once(this.#child.stdout, "data");
      const over = await Promise.race([this.#ended.then(() => true), more]);
      if (over === true && !pattern.test(this.#said))
        throw new Error(`it ended and never said ${pattern}: ${this.#said}`);
    }
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#ended;
  }
}
