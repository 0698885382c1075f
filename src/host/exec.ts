import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { NetloomError } from "../lib/errors.ts";

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
}

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a program without a shell, with a clean environment, and waits for its end.
 * Throws with the last line of its standard error when it cannot start or does not end with 0.
 */
export async function exec(
  argv: readonly string[],
  input: string = "",
  timeoutMs: number = 10_000,
): Promise<ExecResult> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, {
    env: { PATH, LC_ALL: "C" },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: timeoutMs,
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  child.on("error", reject);
  child.on("close", (code, signal) => resolve({ code, signal }));
  const fail = (why: string, cause?: unknown): NetloomError =>
    new NetloomError({ code: "failed", op: "run", target: argv.slice(0, 4).join(" "), why, cause });
  const { code, signal } = await promise.catch((error: unknown) => {
    throw fail(error instanceof Error ? error.message : String(error), error);
  });
  const stderr = Buffer.concat(err).toString().trim();
  if (code !== 0) throw fail(stderr === "" ? `ended with ${signal ?? `exit code ${code}`}` : stderr);
  return { stdout: Buffer.concat(out).toString(), stderr };
}

/** The argument vector that runs a program inside a namespace of /run/netns; "" is the node's own. */
export function inNetns(netns: string, argv: readonly string[]): readonly string[] {
  return netns === "" ? argv : ["nsenter", `--net=${netnsPath(netns)}`, "--", ...argv];
}

/** The network namespace of this process. */
export const OWN_NETNS = "/proc/self/ns/net";

export const NETNS_DIRECTORY = "/run/netns";

/** Where a named namespace is bind-mounted (ip-netns(8)). */
export function netnsPath(netns: string): string {
  return `${NETNS_DIRECTORY}/${netns}`;
}

/** What tells namespaces apart that follow each other under one name, and live at the same time; undefined when there is none of that name. */
export async function netnsInode(netns: string): Promise<number | undefined> {
  return await stat(netnsPath(netns)).then(
    ({ ino }) => ino,
    () => undefined,
  );
}
