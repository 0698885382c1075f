import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { planTarget, reconcile } from "../engine/reconcile.ts";
import { LinuxHost } from "../host/linux-host.ts";
import { Secret } from "../lib/secret.ts";
import type { Actual } from "../model/actual.ts";
import type { Target } from "../model/kernel.ts";
import type { Report } from "../model/report.ts";
import { explain } from "../plan/explain.ts";

/** What became of one target: the answer is one line of JSON. */
export interface TargetAnswer {
  readonly report: Report;
  /** What a second look at the kernel would still do; empty when all is as wished. */
  readonly again: { readonly steps: readonly string[]; readonly foreign: readonly string[] };
  readonly actual: Actual;
}

/**
 * `target [--dir DIR] [FILE]...`: brings the kernel to each target in turn, as JSON from files, or from lines of the standard
 * input until that ends. DIR keeps what the host records between runs, and is the scan directory's place.
 * @returns the exit code: 1 when some target was not reached
 */
export async function targetCommand(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { dir: { type: "string", default: "/run/netloom-test" } },
    allowPositionals: true,
  });
  const { dir } = values;
  const scanDir = join(dir, "service");
  await mkdir(scanDir, { recursive: true });
  await using host = await LinuxHost.open({ keys: join(dir, "keys"), runtimeDir: join(dir, "run"), scanDir });
  let code = 0;
  const reach = async (text: string): Promise<void> => {
    const answer = await reachTarget(host, parseTarget(text));
    const reached = answer.report.outcome !== "failed" && answer.again.steps.length === 0;
    if (!reached || answer.again.foreign.length > 0) code = 1;
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  };
  // Whoever waits for an answer must hear that there will be none.
  using _input = { [Symbol.dispose]: () => void process.stdin.destroy() };
  if (positionals.length === 0) for await (const line of createInterface(process.stdin)) await reach(line);
  for (const file of positionals) await reach(await readFile(file, "utf8"));
  return code;
}

async function reachTarget(host: LinuxHost, target: Target): Promise<TargetAnswer> {
  const { report } = await reconcile(host, target, "all");
  const { steps, foreign } = await planTarget(host, target, "all");
  return { report, again: { steps: steps.map(explain), foreign }, actual: await host.observe(target, "all") };
}

const SECRETS = new Set(["privateKey", "presharedKey"]);

/** A target as JSON for `parseTarget`, with its keys in plain text. */
export function targetText(target: Target): string {
  return JSON.stringify(target, function (this: Readonly<Record<string, unknown>>, key, value: unknown) {
    const whole = this[key];
    return whole instanceof Secret ? whole.reveal() : value;
  });
}

/** A target as JSON, whose keys are plain text. It comes from a test, so its shape is taken as given. */
function parseTarget(text: string): Target {
  return JSON.parse(text, (key, value: unknown) =>
    SECRETS.has(key) && typeof value === "string" ? new Secret(value) : value,
  ) as Target;
}
