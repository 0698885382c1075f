import { parseArgs } from "node:util";
import { describeError } from "../lib/errors.ts";
import { didYouMean } from "../lib/nearest.ts";
import { Client } from "../sdk/client.ts";
import { bootPlanCommand } from "./boot-plan.ts";
import { applyCommand, deleteCommand, planCommand, type Output } from "./change.ts";
import { keyCommand, showCommand, statusCommand } from "./inspect.ts";
import { USAGE, UsageError } from "./usage.ts";
import { waitOnlineCommand } from "./wait-online.ts";

/** What a client command may be told beside its words. */
interface ClientOptions {
  readonly json: boolean;
  readonly facts: boolean;
  readonly confirm: boolean;
  /** Seconds, as they were typed. */
  readonly timeout?: string | undefined;
}

const FLAGS = ["json", "yaml", "facts", "confirm", "timeout"] as const;

interface ClientCommand {
  readonly run: (client: Client, words: readonly string[], options: ClientOptions, output: Output) => Promise<number>;
  /** Options beside `--socket` that it takes. */
  readonly takes: readonly (typeof FLAGS)[number][];
}

const COMMANDS: Readonly<Record<string, ClientCommand>> = {
  plan: { run: (client, words, _options, output) => planCommand(client, words, output), takes: [] },
  apply: {
    run: (client, words, { confirm }, output) => applyCommand(client, words, confirm, output),
    takes: ["confirm"],
  },
  delete: {
    run: (client, words, { confirm }, output) => deleteCommand(client, words, confirm, output),
    takes: ["confirm"],
  },
  show: {
    run: (client, words, { json }, output) => showCommand(client, words, json, output),
    takes: ["json", "yaml"],
  },
  "wait-online": {
    run: (client, words, { timeout }) => waitOnlineCommand(client, words, timeout),
    takes: ["timeout"],
  },
  status: {
    run: (client, words, { json, facts }, output) =>
      statusCommand(client, words, facts ? "facts" : json ? "json" : "text", output),
    takes: ["json", "facts"],
  },
  key: { run: (client, words, _options, output) => keyCommand(client, words, output), takes: [] },
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
    if (name === "boot-plan") return await bootPlanCommand(rest, output);
    const command = known(name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new UsageError(unknownCommand(name));
    const { values, positionals } = parse(rest, command.takes);
    const client = new Client(values.socket ?? environment["NETLOOM_SOCKET"] ?? DEFAULT_SOCKET);
    return await command.run(
      client,
      positionals,
      {
        json: values.json === true,
        facts: values.facts === true,
        confirm: values.confirm === true,
        timeout: values.timeout,
      },
      output,
    );
  } catch (error) {
    output.err(`netloom: ${describeError(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    if (name !== "")
      output.err(`\`netloom ${known(name) ? `${name} --help\` shows what it takes` : "--help` shows the commands"}\n`);
    return 2;
  }
}

function parse(
  words: readonly string[],
  takes: ClientCommand["takes"],
): {
  values: {
    socket?: string;
    json?: boolean;
    yaml?: boolean;
    facts?: boolean;
    confirm?: boolean;
    timeout?: string;
  };
  positionals: string[];
} {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        socket: { type: "string" },
        json: { type: "boolean" },
        yaml: { type: "boolean" },
        facts: { type: "boolean" },
        confirm: { type: "boolean" },
        timeout: { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError(describeError(error));
  }
  const { values } = parsed;
  const useless = FLAGS.find((flag) => (values[flag] ?? false) !== false && !takes.includes(flag));
  if (useless !== undefined) throw new UsageError(`this command takes no --${useless}`);
  const [first, second] = (["json", "yaml", "facts"] as const).filter((flag) => values[flag] === true);
  if (second !== undefined) throw new UsageError(`--${first} and --${second} exclude each other`);
  return parsed;
}

function known(name: string): boolean {
  return name === "boot-plan" || Object.hasOwn(COMMANDS, name);
}

function unknownCommand(name: string): string {
  if (name === "") return `no command given\n\n${USAGE}`;
  return `'${name}' is no command${didYouMean(name, [...Object.keys(COMMANDS), "boot-plan", "daemon"])}`;
}
