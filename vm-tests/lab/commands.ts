import { didYouMean } from "../../src/lib/nearest.ts";
import { captureCommand } from "./capture.ts";
import { type LabCommand, UsageError, shownCommand } from "./command.ts";
import { downCommand } from "./down.ts";
import { execCommand, shellCommand } from "./exec.ts";
import { graphCommand } from "./graph.ts";
import { linkCommand } from "./link.ts";
import { lsCommand } from "./ls.ts";
import { testCommand } from "./test.ts";
import { upCommand } from "./up.ts";

/** All subcommands of `npm run lab`, in the order in which the usage shows them. */
const commands: Readonly<Record<string, LabCommand>> = {
  up: upCommand,
  ls: lsCommand,
  shell: shellCommand,
  exec: execCommand,
  link: linkCommand,
  capture: captureCommand,
  graph: graphCommand,
  down: downCommand,
  test: testCommand,
};

/** Runs a command line of `npm run lab --` and gives its exit code: 1 when something failed, 2 when it makes no sense. */
export async function runLabCommand(argv: readonly string[]): Promise<number> {
  const [name, ...words] = argv;
  if (name === undefined || name === "help" || name === "--help") {
    process.stdout.write(usage());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const known = Object.keys(commands);
    throw new UsageError(`"${name}" is no subcommand${didYouMean(name, known)} (${known.join(", ")})`);
  }
  return await command.run(words);
}

function usage(): string {
  const blocks = Object.entries(commands).map(
    ([name, { words, what, example }]) =>
      `${`${name} ${words}`.trimEnd()}\n    ${what}\n    ${shownCommand(example)}\n`,
  );
  return `npm run lab -- SUBCOMMAND: labs of virtual machines, see vm-tests/README.md

${blocks.join("")}
With several labs, --lab NAME says which one. No root is needed once the image exists.
`;
}
