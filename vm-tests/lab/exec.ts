import type { TerminalSize } from "../harness/agent-messages.ts";
import { type LabCommand, UsageError, parseWords } from "./command.ts";
import { ControlClient } from "./control-client.ts";
import type { ProgramEnd } from "./messages.ts";
import { controlSocket, findLab } from "./places.ts";

/** Our own failures, which are not to be taken for a status of the guest's program: as docker(1) and env(1) have it. */
const failed = 125;

/** Runs a program in a guest: our standard streams are its own, and its exit status is ours. */
export const execCommand: LabCommand = {
  words: "NODE -- CMD…",
  what: "run a program in a node, with its streams and its exit status",
  example: "exec node1 -- ip address",
  run: async (given) => {
    const cut = given.indexOf("--");
    const [before, argv] = cut < 0 ? [given, []] : [given.slice(0, cut), given.slice(cut + 1)];
    const { options, words } = parseWords(before, { lab: "string" }, [1, 1], "exec NODE -- CMD…");
    if (argv.length === 0) throw new UsageError("no program was named: exec NODE -- CMD…");
    return await runInNode(options.lab, words[0] ?? "", argv, undefined);
  },
};

/** A shell in a guest on our own terminal; a script for it comes by standard input. */
export const shellCommand: LabCommand = {
  words: "NODE",
  what: "a root shell in a node (it ends with `exit` or Ctrl-D)",
  example: "shell node1",
  run: async (given) => {
    const { options, words } = parseWords(given, { lab: "string" }, [1, 1], "shell NODE");
    const pty = process.stdin.isTTY && process.stdout.isTTY ? windowSize() : undefined;
    return await runInNode(options.lab, words[0] ?? "", ["sh", ...(pty === undefined ? [] : ["-l"])], pty);
  },
};

function windowSize(): TerminalSize {
  const { rows, columns } = process.stdout;
  // A terminal that nobody looks at may have no size.
  return { rows: rows || 24, columns: columns || 80 };
}

async function runInNode(
  name: string | undefined,
  node: string,
  argv: readonly string[],
  pty: TerminalSize | undefined,
): Promise<number> {
  const lab = await findLab(name);
  using client = await ControlClient.connect(controlSocket(lab.directory));
  const { id, answer } = client.open(
    {
      op: "start",
      node,
      argv,
      cwd: "/root",
      env: { HOME: "/root", ...(pty === undefined ? {} : { TERM: process.env["TERM"] ?? "vt100" }) },
      ...(pty === undefined ? {} : { pty }),
    },
    { onData: (stream, data) => void (stream === "stdout" ? process.stdout : process.stderr).write(data) },
  );
  using terminal = attachInput(client, id, pty !== undefined);
  try {
    const { code, signal } = (await answer) as ProgramEnd;
    return code ?? 128 + (signal ?? 0);
  } catch (error) {
    terminal[Symbol.dispose]();
    process.stderr.write(`netloom: ${error instanceof Error ? error.message : String(error)}\n`);
    return failed;
  }
}

/** Gives the program our input: keys as they are typed when it has a terminal, nothing when a person only watches. */
function attachInput(client: ControlClient, of: number, raw: boolean): Disposable {
  const { stdin, stdout } = process;
  if (stdin.isTTY && !raw) {
    void client.remark({ of, op: "eof" });
    return { [Symbol.dispose]: () => {} };
  }
  const onData = (chunk: Buffer): void => {
    stdin.pause();
    void client.remark({ of, op: "input", data: chunk.toString("base64") }).then(() => stdin.resume());
  };
  const onEnd = (): void => void client.remark({ of, op: "eof" });
  const onResize = (): void => void client.remark({ of, op: "resize", size: windowSize() });
  if (raw) stdin.setRawMode(true);
  stdin.on("data", onData).on("end", onEnd);
  stdout.on("resize", onResize);
  let attached = true;
  return {
    [Symbol.dispose]: () => {
      if (!attached) return;
      attached = false;
      stdin.off("data", onData).off("end", onEnd);
      stdout.off("resize", onResize);
      if (raw) stdin.setRawMode(false);
      // What is still to come is for nobody, and must not keep us.
      stdin.destroy();
    },
  };
}
