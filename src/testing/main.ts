// `dist/netloom-test`: what tests need of the compiled program and no shipped binary has. Its users are netns and VM tests.
//   netloom-test daemon --fault kill:STEPS | fail:STEP:ERRNO [the options of netloom daemon]
//   netloom-test target [--dir DIR] [FILE]...
import { parseDaemonArguments } from "../cli/daemon-options.ts";
import { runDaemon, type Running } from "../daemon.ts";
import { LinuxHost } from "../host/linux-host.ts";
import { describeError } from "../lib/errors.ts";
import { parseFault, withFault } from "./fault.ts";
import { targetCommand } from "./target-command.ts";

const COMMANDS: Readonly<Record<string, (words: readonly string[]) => Promise<number>>> = {
  daemon,
  target: targetCommand,
};

const [command = "", ...words] = process.argv.slice(2);
try {
  const run = COMMANDS[command];
  if (run === undefined) throw new Error(`no command "${command}"; there are ${Object.keys(COMMANDS).join(", ")}`);
  process.exitCode = await run(words);
} catch (error) {
  process.stderr.write(`netloom-test: ${describeError(error)}\n`);
  process.exitCode = 1;
}

/** The daemon with a fault in its host. */
async function daemon([flag, fault = "", ...options]: readonly string[]): Promise<number> {
  if (flag !== "--fault") throw new Error("daemon wants --fault first");
  const parsed = parseFault(fault);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  const openHost: Running["openHost"] = async (places) => withFault(await LinuxHost.open(places), parsed);
  await runDaemon(parseDaemonArguments(options, process.env), stop.signal, { openHost });
  return 0;
}
