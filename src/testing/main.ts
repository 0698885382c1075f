// `dist/netloom-test`: what tests need of the compiled program and no shipped binary has. Its users are netns and VM tests.
//   netloom-test daemon [--fault kill:STEPS | fail:STEP:ERRNO] [the options of netloom daemon]
//     reads "join LAN NETNS" and "leave LAN NAME" from its standard input, and answers each by a line of JSON
//   netloom-test target [--dir DIR] [FILE]...
//   netloom-test engine [the options of netloom daemon]
import { createInterface } from "node:readline";
import { parseDaemonArguments } from "../cli/daemon-options.ts";
import { runDaemon } from "../daemon.ts";
import type { Engine } from "../engine/engine.ts";
import { LinuxHost } from "../host/linux-host.ts";
import { describeError } from "../lib/errors.ts";
import { engineCommand } from "./engine-command.ts";
import { parseFault, withFault } from "./fault.ts";
import { targetCommand } from "./target-command.ts";

const COMMANDS: Readonly<Record<string, (words: readonly string[]) => Promise<number>>> = {
  daemon,
  target: targetCommand,
  engine: engineCommand,
};

const [command = "", ...rest] = process.argv.slice(2);
try {
  const run = COMMANDS[command];
  if (run === undefined) throw new Error(`no command "${command}"; there are ${Object.keys(COMMANDS).join(", ")}`);
  process.exitCode = await run(rest);
} catch (error) {
  process.stderr.write(`netloom-test: ${describeError(error)}\n`);
  process.exitCode = 1;
}

/** The daemon, with a fault in its host when one is asked for. */
async function daemon(words: readonly string[]): Promise<number> {
  const at = words.indexOf("--fault");
  const fault = at < 0 ? undefined : parseFault(words[at + 1] ?? "");
  const options = parseDaemonArguments(at < 0 ? words : words.toSpliced(at, 2), process.env);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  await runDaemon(options, stop.signal, {
    openHost: async (places) => {
      const host = await LinuxHost.open(places);
      return fault === undefined ? host : withFault(host, fault);
    },
    started: (engine) => void obey(engine),
  });
  return 0;
}

/** Does what standard input says, one line after the other. */
async function obey(engine: Engine): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    const [word, lan = "", name = ""] = line.split(" ");
    const answer = await (word === "join" ? engine.join({ lan, netns: name }) : engine.leave(lan, name)).then(
      () => ({ told: line, failed: null }),
      (error: unknown) => ({ told: line, failed: describeError(error) }),
    );
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
