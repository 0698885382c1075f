import { type WriteStream, createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { type ConsoleFinding, judgeLine, kernelPanic } from "./console-rules.ts";
import { LineSplitter } from "./lines.ts";

const kept = 4000;
/** How far back the line may be in which a kernel gave up: its registers and stacks follow, and the next boot. */
const panicBack = 400;
// Colours and cursor movements of firmware and shells (ECMA-48) are noise in a log.
// eslint-disable-next-line no-control-regex
const escapes = /\u001B(?:\[[0-9;?]*[ -/]*[@-~]|[@-_])|\r/g;

/** The serial console of one guest: written to a file with the seconds since the start, judged line by line. */
export class ConsoleLog implements AsyncDisposable {
  readonly file: string;
  readonly #out: WriteStream;
  readonly #started = performance.now();
  readonly #splitter = new LineSplitter((line) => this.#add(line), 16 * 1024);
  readonly #lines: string[] = [];
  readonly #findings: ConsoleFinding[] = [];
  readonly #watchers = new Set<(line: string) => void>();
  readonly #expected: readonly RegExp[];
  /** What this boot was told to say. */
  #provoked: readonly RegExp[] = [];
  #failure: Error | undefined;
  /** Index of the first line of the boot that runs. */
  #boot = 0;

  constructor(file: string, expected: readonly RegExp[] = []) {
    this.file = file;
    this.#expected = expected;
    this.#out = createWriteStream(file, { flags: "a" });
    // A full disk must not end the lab: the lines in memory still tell what happened, and `flush` tells of the file.
    this.#out.on("error", () => {});
  }

  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  /** A line of the harness itself among those of the guest, such as "reset by QMP". */
  note(text: string): void {
    this.#splitter.end();
    this.#add(`-- ${text}`);
  }

  /** Another boot begins: nobody waits for a line from before. */
  startBoot(): void {
    this.#splitter.end();
    this.#boot = this.#lines.length;
    this.#provoked = [];
  }

  /** Lines that match break no rule in the rest of this boot: a kernel says more than once that it gave up. */
  expect(pattern: RegExp): void {
    this.#provoked = [...this.#provoked, pattern];
  }

  /** The last lines, oldest first. */
  tail(count: number = 20): readonly string[] {
    return this.#lines.slice(-count);
  }

  /** The last lines of a failure: where they do not reach back to the one in which the kernel gave up, that one is the first. */
  ending(count: number): readonly string[] {
    const last = this.tail(count);
    const panic = this.tail(panicBack).findLast((line) => kernelPanic.test(line));
    return panic === undefined || last.includes(panic) ? last : [panic, "…", ...last.slice(2)];
  }

  /** Lines that broke a console rule. */
  get findings(): readonly ConsoleFinding[] {
    return this.#findings;
  }

  /** Calls back with each line from now on, until it is disposed of. */
  watch(watcher: (line: string) => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  /** Resolves with the first line of this boot that matches, seen before or yet to come. Waits until the signal says no. */
  waitFor(pattern: RegExp, signal: AbortSignal): Promise<string> {
    const seen = this.#lines.slice(this.#boot).find((line) => pattern.test(line));
    return seen === undefined ? this.next(pattern, signal) : Promise.resolve(seen);
  }

  /** Resolves with the first line that matches from now on. Waits until the signal says no. */
  next(pattern: RegExp, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#watchers.delete(watcher);
        signal.removeEventListener("abort", abort);
      };
      const watcher = (line: string): void => {
        if (!pattern.test(line)) return;
        done();
        resolve(line);
      };
      const abort = (): void => {
        done();
        reject(signal.reason);
      };
      this.#watchers.add(watcher);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Resolves when all lines so far are in the file. @throws when some of them are missing, now and ever after. */
  async flush(): Promise<void> {
    await new Promise((resolve) => this.#out.write("", resolve));
    if (this.#failure !== undefined) {
      throw new Error(`the console log ${this.file} is incomplete: ${this.#failure.message}`, { cause: this.#failure });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#splitter.end();
    this.#out.end();
    await finished(this.#out).catch(() => {});
  }

  #add(raw: string): void {
    const line = raw.replace(escapes, "");
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(3).padStart(8);
    this.#out.write(`[${seconds}] ${line}\n`, (error) => {
      if (error) this.#failure ??= error;
    });
    this.#lines.push(line);
    if (this.#lines.length > kept) {
      this.#lines.splice(0, kept / 2);
      this.#boot = Math.max(0, this.#boot - kept / 2);
    }
    const finding = judgeLine(line, [...this.#expected, ...this.#provoked]);
    if (finding !== undefined) this.#findings.push(finding);
    for (const watcher of this.#watchers) watcher(line);
  }
}
