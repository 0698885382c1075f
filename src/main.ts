import { parseDaemonArguments } from "./cli/daemon-options.ts";
import { runClientCommand } from "./cli/run.ts";
import { UsageError, usageOf } from "./cli/usage.ts";
import { describeError } from "./lib/errors.ts";
import { VERSION } from "./version.ts";

// `netloom show | head` closes the pipe early; that is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const argv = process.argv.slice(2);
const [command = ""] = argv;

if (command === "--version" || command === "version") process.stdout.write(`${VERSION}\n`);
else if (command === "help") process.stdout.write(usageOf(argv[1] ?? ""));
else if (argv.includes("--help") || argv.includes("-h")) process.stdout.write(usageOf(command));
else if (command === "daemon") process.exitCode = await daemon(argv.slice(1), "daemon");
// Started by the daemon beside a change to the uplink; nobody types it.
else if (command === "guard") process.exitCode = await daemon(argv.slice(1), "guard");
else
  process.exitCode = await runClientCommand(argv, process.env, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });

async function daemon(words: readonly string[], as: "daemon" | "guard"): Promise<number> {
  try {
    const options = parseDaemonArguments(words, process.env);
    // Only the daemon needs the addon and the engine: a client starts without them.
    const { runDaemon } = await import("./daemon.ts");
    const { runGuard } = await import("./guard-process.ts");
    const stop = new AbortController();
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
    await (as === "daemon" ? runDaemon(options, stop.signal) : runGuard(options, stop.signal));
    return 0;
  } catch (error) {
    process.stderr.write(`netloom: ${describeError(error)}\n`);
    if (!(error instanceof UsageError)) return 1;
    process.stderr.write(`\`netloom ${as} --help\` shows the options\n`);
    return 2;
  }
}
