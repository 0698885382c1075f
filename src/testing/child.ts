import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** How a program ended, and what it said. */
export interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

export interface ChildOptions {
  readonly input?: string;
  /** More is said to it later: its standard input stays open. */
  readonly keepInput?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** Where Node keeps what it made of our sources (node:module, compile cache), when whoever runs the tests has it do so. */
const CACHE = Object.fromEntries(Object.entries(process.env).filter(([key]) => key === "NODE_COMPILE_CACHE"));

/** A program that runs, with what it has said so far. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  said(): string;
  readonly ended: Promise<Ended>;
}

/** Starts a program with a clean environment and without a shell. */
export function start(argv: readonly string[], { input, keepInput = false, env, cwd = "/" }: ChildOptions = {}): Child {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { cwd, env: { PATH, ...CACHE, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdin.on("error", () => undefined);
  child.stdin.write(input ?? "");
  if (!keepInput) child.stdin.end();
  const ended = once(child, "close").then(([code, signal]) => ({
    code: (code as number | null) ?? (signal as string),
    out,
    err,
  }));
  // Whoever awaits it hears of a program that could not be started; nobody has to.
  ended.catch(() => undefined);
  return { process: child, pid: child.pid ?? -1, said: () => `${out}${err}`, ended };
}

/** Runs a program to its end. */
export async function run(argv: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return await start(argv, options).ended;
}

/** Runs a program that has to succeed and gives its output. */
export async function output(argv: readonly string[], options: ChildOptions = {}): Promise<string> {
  const { code, out, err } = await run(argv, options);
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${err}${out}`);
  return out;
}
