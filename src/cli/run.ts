import { parseArgs } from "node:util";
import { describeError } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import { Client } from "../sdk/client.ts";
import { applyCommand, deleteCommand, planCommand, type Output } from "./change.ts";
import { keyCommand, showCommand, statusCommand } from "./inspect.ts";
import { USAGE, UsageError } from "./usage.ts";

/** What a client command may be told beside its words. */
interface ClientOptions {
  readonly json: boolean;
}

type ClientCommand = (
  client: Client,
  words: readonly string[],
  options: ClientOptions,
  output: Output,
) => Promise<number>;

const COMMANDS: Readonly<Record<string, ClientCommand>> = {
  plan: (client, words, _options, output) => planCommand(client, words, output),
  apply: (client, words, _options, output) => applyCommand(client, words, output),
  delete: (client, words, _options, output) => deleteCommand(client, words, output),
  show: (client, words, { json }, output) => showCommand(client, words, json, output),
  status: (client, _words, { json }, output) => statusCommand(client, json, output),
  key: (client, words, _options, output) => keyCommand(client, words, output),
};

export const DEFAULT_SOCKET = "/run/netloom.sock";

/** Runs a client command and returns its exit code: 0 done, 1 refused or failed, 2 usage. */
export async function runClientCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  output: Output,
): Promise<number> {
  const [name = "", ...rest] = argv;
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new UsageError(unknownCommand(name));
    const { values, positionals } = parse(rest);
    const client = new Client(values.socket ?? environment["NETLOOM_SOCKET"] ?? DEFAULT_SOCKET);
    return await command(client, positionals, { json: values.json === true }, output);
  } catch (error) {
    output.err(`netloom: ${describeError(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    output.err("`netloom --help` shows the commands\n");
    return 2;
  }
}

function parse(words: readonly string[]): {
  values: { socket?: string; json?: boolean; yaml?: boolean };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { socket: { type: "string" }, json: { type: "boolean" }, yaml: { type: "boolean" } },
    });
  } catch (error) {
    throw new UsageError(describeError(error));
  }
}

function unknownCommand(name: string): string {
  if (name === "") return `no command given\n\n${USAGE}`;
  const meant = nearest(name, [...Object.keys(COMMANDS), "daemon"]);
  return `'${name}' is no command${meant === undefined ? "" : `, did you mean ${meant}?`}`;
}
