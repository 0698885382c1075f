import { relative } from "node:path";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "./cache-root.ts";

/** What a step may tell while it runs. */
export type StepContext = {
  /** A fresh file for the output of what the step runs. */
  readonly log: string;
  /** The latest line of output, shown beside the elapsed seconds. */
  readonly note: (line: string) => void;
};

/** What a step has to say at its end: `cached`, or how long it took, with a figure if there is one worth a look. */
export type StepEnd = {
  readonly hit: boolean;
  /** "built in" unless told: the word before the seconds. */
  readonly verb?: string;
  readonly detail?: string;
};

/** A long step says every so often that it is alive; sooner when there is something new to tell. */
const tickMs = 10_000;
const quietTicks = 3;

/** Prints one line of progress: the step, then what it does. */
export function say(name: string, text: string): void {
  process.stdout.write(`netloom: ${name.padEnd(12)} ${text}\n`);
}

/** Runs one named step with progress lines and seconds. An error of it names the step. */
export async function step<T extends StepEnd>(name: string, work: (context: StepContext) => Promise<T>): Promise<T> {
  const started = Date.now();
  const seconds = (): string => ((Date.now() - started) / 1000).toFixed(1);
  const dir = join(cacheRoot(), "logs");
  await mkdir(dir, { recursive: true });
  const log = join(dir, `${name}.log`);
  await rm(log, { force: true });
  let last = "";
  let told = "";
  let silent = 0;
  let quiet = true;
  const tick = setInterval(() => {
    silent += 1;
    if (last === told && silent < quietTicks && !quiet) return;
    [quiet, silent, told] = [false, 0, last];
    say(name, `${Math.round((Date.now() - started) / 1000)} s ${last.slice(0, 90)}`.trimEnd());
  }, tickMs);
  // Silent when it is done at once: a cached step is one line, not two.
  const announce = setTimeout(() => {
    if (quiet) say(name, "working");
  }, 1000);
  try {
    const end = await work({ log, note: (line) => void (last = line.trim()) });
    const detail = end.detail === undefined ? "" : `, ${end.detail}`;
    say(name, end.hit ? `cached${detail}` : `${end.verb ?? "built in"} ${seconds()} s${detail}`);
    return end;
  } catch (error) {
    say(name, `failed after ${seconds()} s`);
    throw error;
  } finally {
    clearInterval(tick);
    clearTimeout(announce);
  }
}

/** Bytes as whole or tenth megabytes (10^6), the unit of download sizes. */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MB`;
}

/** Ends the script with the message of an error and its causes, without a stack: for what a user can act upon. */
export function fail(error: unknown): never {
  const lines: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) lines.push(cause.message);
  process.stderr.write(`netloom: ${lines.length > 0 ? lines.join("\n  because: ") : String(error)}\n`);
  process.exit(1);
}

/** A path as a reader types it: relative when it lies below the working directory. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
