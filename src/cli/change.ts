import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { NetloomError, errorCode } from "../lib/errors.ts";
import { didYouMean } from "../lib/nearest.ts";
import { KINDS, type Kind } from "../model/document.ts";
import { formatIssue, type ChangeReport } from "../model/report.ts";
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

/** `netloom apply FILE...`: prints what was done, or `no changes`. */
export async function applyCommand(client: Client, paths: readonly string[], output: Output): Promise<number> {
  const report = await client.apply(await readFiles(paths));
  return printReport(
    report,
    output,
    (count) => `${count} ${count === 1 ? "step" : "steps"} taken in ${report.milliseconds} ms`,
  );
}

/** `netloom delete KIND NAME` */
export async function deleteCommand(client: Client, words: readonly string[], output: Output): Promise<number> {
  const [kind, name, ...rest] = words;
  if (kind === undefined || name === undefined || rest.length > 0)
    throw new UsageError("delete needs a kind and a name: netloom delete Lan lab");
  const report = await client.delete(parseKind(kind), name);
  return printReport(
    report,
    output,
    (count) => `${count} ${count === 1 ? "step" : "steps"} taken in ${report.milliseconds} ms`,
  );
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

function printReport(report: ChangeReport, output: Output, summary: (steps: number) => string): number {
  if (report.issues.length > 0) {
    for (const issue of report.issues) output.err(`${formatIssue(issue)}\n`);
    output.err("refused: nothing was changed\n");
    return 1;
  }
  for (const step of report.steps) output.out(`${step}\n`);
  output.out(report.steps.length === 0 ? "no changes\n" : `${summary(report.steps.length)}\n`);
  for (const { step, message } of report.failures) output.err(`failed: ${step}: ${message}\n`);
  for (const step of report.unverified) output.err(`not seen to hold: ${step}\n`);
  return report.outcome === "failed" ? 1 : 0;
}
