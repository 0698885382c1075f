import { spawn } from "node:child_process";
import { join } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";

/** How a command of `npm run lab` ended. */
export type LabOutcome = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs `npm run lab -- WORDS` with labs in a directory of their own. Without `input` its standard input is empty. */
export async function runLab(labs: string, words: readonly string[], input: string = ""): Promise<LabOutcome> {
  const argv = [join(repository, "scripts/lab.ts"), ...words];
  return await outcomeOf([process.execPath, ...argv], { NETLOOM_LABS: labs }, input);
}

/** Runs a program to its end. */
export async function outcomeOf(
  [program = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  input: string = "",
): Promise<LabOutcome> {
  const child = spawn(program, args, { cwd: repository, env: { ...process.env, ...env } });
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text.err += chunk.toString()));
  // A program that has ended needs no more input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...text }));
  });
}
