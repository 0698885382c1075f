import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { asRoot } from "./privilege.ts";

/** How to run a program. */
export type RunOptions = {
  readonly cwd?: string;
  /** The whole environment; ours when absent. */
  readonly env?: Readonly<Record<string, string>>;
  /** Both outputs are appended to this file and the last lines of it go into the error. */
  readonly log?: string;
  /** Text for standard input; nothing when absent. */
  readonly input?: string;
  /** Sees each line of both outputs as it comes, for progress. */
  readonly onLine?: (line: string) => void;
};

const running = new Set<ChildProcess>();

let stopping = false;

/**
 * Ctrl-C and friends end what we started before they end us: a child of ours would go on building otherwise, beside that of
 * the next run. Who asks twice does not wait, and nobody waits for long.
 */
function stopAll(signal: NodeJS.Signals): void {
  const exit = (): never => process.exit(128 + constants.signals[signal]);
  if (stopping) exit();
  stopping = true;
  for (const child of running) {
    child.once("close", () => running.size === 0 && exit());
    send(child, "SIGTERM");
  }
  setTimeout(exit, 5000);
}

/** Signals a child, also one that sudo runs as root, which a user's own kill(2) may not reach. sudo(8) passes it on. */
function send(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(child.pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return;
    const [file = "", ...args] = asRoot(["kill", `-${signal.slice(3)}`, String(child.pid)]);
    spawnSync(file, args, { stdio: "ignore" });
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function track(child: ChildProcess): void {
  if (running.size === 0) for (const signal of signals) process.on(signal, stopAll);
  running.add(child);
  child.once("close", () => {
    running.delete(child);
    if (running.size === 0) for (const signal of signals) process.off(signal, stopAll);
  });
}

/** Runs a program without a shell and returns its standard output. @throws with the last lines of output when it fails. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    cwd: options.cwd,
    ...(options.env ? { env: { ...options.env } } : {}),
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  track(child);
  const out: Buffer[] = [];
  const tail: string[] = [];
  const log = options.log === undefined ? undefined : createWriteStream(options.log, { flags: "a" });
  let partial = "";
  const onText = (chunk: Buffer): void => {
    log?.write(chunk);
    const lines = (partial + chunk.toString("utf8")).split(/[\r\n]+/);
    partial = lines.pop() ?? "";
    for (const line of lines.filter((text) => text.trim() !== "")) {
      tail.push(line);
      if (tail.length > 20) tail.shift();
      options.onLine?.(line);
    }
  };
  child.stdout?.on("data", (chunk: Buffer) => {
    if (log === undefined) out.push(chunk);
    onText(chunk);
  });
  child.stderr?.on("data", onText);
  if (options.input !== undefined) child.stdin?.end(options.input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", (cause) => reject(new Error(`cannot start ${file}`, { cause })));
    child.once("close", (status, signal) => resolve(status ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  await new Promise<void>((resolve) => (log ? log.end(() => resolve()) : resolve()));
  if (code === 0) return Buffer.concat(out).toString("utf8");
  if (partial !== "") tail.push(partial);
  const where = options.log === undefined ? "" : `\nthe whole output is in ${options.log}`;
  throw new Error(`${argv.slice(0, 3).join(" ")} ended with ${code}:\n${tail.join("\n")}${where}`);
}

/** How a program ended that was watched: `interrupted` when a signal for us ended it. */
export type WatchedEnd = { readonly code: number; readonly interrupted: boolean };

/**
 * Runs a program whose lines are looked at as they come, each output by itself. A signal for us ends the program, not us: what it
 * has done so far can still be told. Who interrupts twice is obeyed at once.
 */
export async function runWatched(
  argv: readonly string[],
  watch: {
    readonly cwd?: string;
    /** Added to our environment. */
    readonly env?: Readonly<Record<string, string>>;
    readonly onStdout: (line: string) => void;
    readonly onStderr: (line: string) => void;
  },
): Promise<WatchedEnd> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    cwd: watch.cwd,
    env: { ...process.env, ...watch.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  createInterface({ input: child.stdout }).on("line", watch.onStdout);
  createInterface({ input: child.stderr }).on("line", watch.onStderr);
  let interrupted = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (interrupted) process.exit(128 + constants.signals[signal]);
    interrupted = true;
    // The terminal has sent Ctrl-C to the child as well; twice would cut its cleaning up short.
    if (signal !== "SIGINT" || !process.stdout.isTTY) send(child, "SIGTERM");
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", (cause) => reject(new Error(`cannot start ${file}`, { cause })));
      child.once("close", (status, signal) => resolve(status ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
    return { code, interrupted };
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
