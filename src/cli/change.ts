import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { NetloomError, errorCode } from "../lib/errors.ts";
import { didYouMean } from "../lib/nearest.ts";
import { KINDS, type Kind } from "../model/document.ts";
import type { GuardReport } from "../model/guard.ts";
import { formatFailure, formatIssue, type ChangeReport } from "../model/report.ts";
import type { Client } from "../sdk/client.ts";
import { UsageError } from "./usage.ts";

/** Where a command writes: standard output and standard error, so that tests can read them. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

type Files = readonly { readonly name: string; readonly text: string }[];

/** `netloom plan FILE...` */
export async function planCommand(client: Client, paths: readonly string[], output: Output): Promise<number> {
  const report = await client.plan(await readFiles(paths));
  return printReport(report, output, (count) => `${count} ${count === 1 ? "step" : "steps"} to take`);
}

/**
 * `netloom apply FILE...`: prints what was done, or `no changes`. With `--confirm` the change is kept whatever becomes of the
 * node's connectivity; without files that is the change that waits.
 */
export async function applyCommand(
  client: Client,
  paths: readonly string[],
  confirm: boolean,
  output: Output,
): Promise<number> {
  if (confirm && paths.length === 0) return await confirmCommand(client, output);
  return printReport(await client.apply(await readFiles(paths), { confirm }), output, taken);
}

/** `netloom delete KIND NAME` */
export async function deleteCommand(
  client: Client,
  words: readonly string[],
  confirm: boolean,
  output: Output,
): Promise<number> {
  const [kind, name, ...rest] = words;
  if (kind === undefined || name === undefined || rest.length > 0)
    throw new UsageError("delete needs a kind and a name: netloom delete Lan lab");
  return printReport(await client.delete(parseKind(kind), name, { confirm }), output, taken);
}

async function confirmCommand(client: Client, output: Output): Promise<number> {
  const guard = await client.confirm();
  output.out(guard === null ? "nothing waits to be confirmed\n" : `confirmed: ${guard.change}\n`);
  return 0;
}

function taken(count: number, { milliseconds }: ChangeReport): string {
  return `${count} ${count === 1 ? "step" : "steps"} taken in ${milliseconds} ms`;
}

/** A kind by its name, upper or lower case. */
export function parseKind(word: string): Kind {
  const kind = KINDS.find((known) => known.toLowerCase() === word.toLowerCase());
  if (kind !== undefined) return kind;
  throw new UsageError(`'${word}' is no kind of document${didYouMean(word, KINDS)} (${KINDS.join(", ")})`);
}

async function readFiles(paths: readonly string[]): Promise<Files> {
  if (paths.length === 0) throw new UsageError("name at least one file, or - for standard input");
  return await Promise.all(
    paths.map(async (path) => {
      if (path === "-") return { name: "standard input", text: await text(process.stdin) };
      try {
        return { name: path, text: await readFile(path, "utf8") };
      } catch (error) {
        const why =
          errorCode(error) === "ENOENT"
            ? "there is no such file"
            : errorCode(error) === "EISDIR"
              ? "it is a directory"
              : String(error);
        throw new NetloomError({ code: "invalid", op: "read", target: path, why, cause: error });
      }
    }),
  );
}

function printReport(
  report: ChangeReport,
  output: Output,
  summary: (steps: number, report: ChangeReport) => string,
): number {
  if (report.issues.length > 0) {
    for (const issue of report.issues) output.err(`${formatIssue(issue)}\n`);
    output.err("refused: nothing was changed\n");
    return 1;
  }
  for (const step of report.steps) output.out(`${step}\n`);
  output.out(report.steps.length === 0 ? "no changes\n" : `${summary(report.steps.length, report)}\n`);
  if (report.guard !== undefined && report.guard.state !== "reverted") output.out(`${guardText(report.guard)}\n`);
  for (const warning of report.warnings) output.err(`warning: ${warning}\n`);
  for (const failure of report.failures) output.err(`failed: ${formatFailure(failure)}\n`);
  for (const step of report.unverified) output.err(`not seen to hold: ${step}\n`);
  return report.outcome === "failed" ? 1 : 0;
}

/** What became of a change that could have cut the node off, in one line. */
export function guardText({ change, state, uplinks, secondsLeft, message }: GuardReport): string {
  const what = `${change}, which touches ${uplinks.join(", ")}`;
  switch (state) {
    case "confirmed":
      return `confirmed: ${what}: ${message}`;
    case "reverted":
      return `reverted: ${what}: ${message}`;
    case "waiting":
      return `waiting: ${what}: ${message}; reverted in ${secondsLeft} s unless that ends, or \`netloom apply --confirm\` keeps it`;
  }
}
