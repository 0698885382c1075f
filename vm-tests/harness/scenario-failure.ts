import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { LabError } from "./lab-error.ts";
import type { Lab } from "./lab.ts";
import type { LabNode } from "./node.ts";
import type { ReportStep } from "./report.ts";

/** What every node is asked after a failure, one after the other. */
const questions: readonly (readonly string[])[] = [
  ["ip", "-br", "addr"],
  ["ip", "route"],
  ["ip", "-6", "route"],
  ["netloom", "status"],
  ["tail", "-n", "60", "/run/log/all/current"],
];
const answerMs = 5000;
const shownLines = 8;
const keptLines = 200;
const summaryLength = 300;

/** A failure as it is told: in one line, in short, and in a file with all that was gathered. */
export type Failure = { readonly summary: string; readonly text: string; readonly file: string };

type FailedRun = {
  readonly error: unknown;
  /** Labs that are still there to be asked. */
  readonly labs: readonly Lab[];
  readonly steps: readonly ReportStep[];
  readonly artifacts: string;
};

/** Asks every node for its state and writes failure.txt. What could not be gathered is said where it would stand. */
export async function gatherFailure({ error, labs, steps, artifacts }: FailedRun): Promise<Failure> {
  const [captures, states] = await Promise.all([
    Promise.all(labs.map(captured)),
    Promise.all(labs.flatMap(({ nodes }) => nodes).map(async (node) => `==== ${node.name}\n${await stateOf(node)}`)),
  ]);
  const nodes = labs.flatMap((lab) => lab.nodes);
  const summary = summaryOfFailure(error);
  const file = join(artifacts, "failure.txt");
  const failed = steps.filter(({ ok }) => !ok).map(({ name }) => `failed step: ${name}`);
  const whole = [
    describeError(error),
    ...failed,
    ...captures.flat(),
    "",
    ...states,
    ...nodes.map((node) => `\n==== last console lines of ${node.name}\n${node.console.tail(keptLines).join("\n")}`),
  ];
  const written = await writeFile(file, `${whole.join("\n")}\n`).then(
    () => `state of every node: ${file}`,
    (cause: unknown) => `the state of the nodes could not be written to ${file}: ${messageOf(cause)}`,
  );
  // A failure of one node shows the console of that node itself.
  const told = error instanceof LabError ? error.evidence.node : undefined;
  const consoles = nodes.filter(({ name }) => name !== told).flatMap(lastLines);
  return {
    summary,
    file,
    text: [describeError(error), ...failed, ...consoles, ...captures.flat(), written].join("\n"),
  };
}

function lastLines({ name, console }: LabNode): readonly string[] {
  const lines = console.tail(shownLines).map((line) => `  | ${line.slice(0, 300)}`);
  return [`last console lines of ${name}:`, ...(lines.length > 0 ? lines : ["  (nothing)"]), `see ${console.file}`];
}

/** Where the captures are, once they are complete. */
async function captured(lab: Lab): Promise<readonly string[]> {
  const files = lab.links.map(({ capture }) => basename(capture));
  if (files.length === 0) return [];
  const names = `captures in ${lab.artifacts}: ${files.join(", ")}`;
  return lab.flush().then(
    () => [names],
    (error: unknown) => [`${names}; they may lack the end: ${messageOf(error)}`],
  );
}

/** The answers of a node, or why there are none. A node that let one question wait is not asked another. */
async function stateOf(node: LabNode): Promise<string> {
  if (!node.running) return "it is off";
  const told: string[] = [];
  for (const argv of questions) {
    const question = argv.join(" ");
    try {
      const { code, stdout, stderr } = await node.exec(argv, { timeoutMs: answerMs });
      told.push(`-- ${question}${code === 0 ? "" : ` (status ${code})`}\n${(stdout + stderr).trimEnd()}`);
    } catch (error) {
      const why = error instanceof LabError ? error.summary : messageOf(error);
      told.push(`-- ${question}\ncould not be gathered: ${why}`);
      if (/did not end within/u.test(why)) {
        told.push("nothing else was asked: the agent does not answer");
        break;
      }
    }
  }
  return told.join("\n");
}

/** A failure in one line; of an assertion its values too, as far as they are short. */
export function summaryOfFailure(error: unknown): string {
  const text = error instanceof LabError ? error.summary : messageOf(error);
  const values = valuesOf(error).map((value) => value.replaceAll(/\s+/gu, " "));
  const [first = ""] = text.split("\n", 1);
  return values.length === 0 ? first : [first, ...values].join(" ").trim().slice(0, summaryLength);
}

/** An error with what AVA knows of the values that it compared. */
function describeError(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describeError).join("\n");
  if (error instanceof LabError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const values = valuesOf(error);
  // Where an assertion stands is in a stack of its own.
  const at = "assertionStack" in error ? String(error.assertionStack) : (error.stack ?? error.message);
  return [...(values.length === 0 ? [] : [error.message]), ...values, at].filter((part) => part !== "").join("\n");
}

/** The values that an assertion of AVA compared, with what each is. */
function valuesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error) || !("formattedDetails" in error) || !Array.isArray(error.formattedDetails)) return [];
  return (error.formattedDetails as readonly { readonly label: string; readonly formatted: string }[]).map(
    ({ label, formatted }) => stripVTControlCharacters(`${label}\n${formatted}`),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
