import { resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { describeError } from "../../src/lib/errors.ts";

/** A subcommand of `npm run lab`. */
export type LabCommand = {
  /** The words behind its name: "NODE -- CMD…". */
  readonly words: string;
  readonly what: string;
  readonly example: string;
  /** Gives the exit code. @throws UsageError for words that make no sense, another error for what did not work. */
  readonly run: (words: readonly string[]) => Promise<number>;
};

/** A command line that makes no sense; exit code 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** Options of a subcommand: text ("string") or a flag ("boolean"). */
type OptionTypes = Readonly<Record<string, "string" | "boolean">>;

type Parsed<O extends OptionTypes> = {
  readonly options: { readonly [K in keyof O]?: O[K] extends "string" ? string : boolean };
  readonly words: readonly string[];
};

/** Reads the words of a subcommand. @throws UsageError on an unknown option, and on fewer or more words than it takes. */
export function parseWords<O extends OptionTypes>(
  given: readonly string[],
  types: O,
  [least, most]: readonly [number, number],
  usage: string,
): Parsed<O> {
  const options: ParseArgsConfig["options"] = Object.fromEntries(
    Object.entries(types).map(([name, type]) => [name, { type }]),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: [...given], allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(`${describeError(error)}: ${usage}`);
  }
  const words = parsed.positionals;
  if (words.length < least) throw new UsageError(`something is missing: ${usage}`);
  if (words.length > most) throw new UsageError(`"${words[most] ?? ""}" is too much: ${usage}`);
  return { options: parsed.values as Parsed<O>["options"], words };
}

/** A file that a user named: relative to where npm was started, which runs its scripts elsewhere (npm-run-script(1)). */
export function userFile(path: string): string {
  return resolve(process.env["INIT_CWD"] ?? process.cwd(), path);
}

/** How a reader types a subcommand. */
export function shownCommand(words: string): string {
  return `npm run lab -- ${words}`;
}
