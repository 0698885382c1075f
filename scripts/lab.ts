// `npm run lab -- SUBCOMMAND`: labs of virtual machines by hand. Its subcommands are in vm-tests/lab/commands.ts.
import { describeError, errorCode } from "../src/lib/errors.ts";
import { UsageError } from "../vm-tests/lab/command.ts";
import { runLabCommand } from "../vm-tests/lab/commands.ts";

// Who reads our output may have seen enough of it: `npm run -s lab -- exec n1 -- yes | head`.
process.stdout.on("error", (error) => process.exit(errorCode(error) === "EPIPE" ? 0 : 1));
try {
  process.exitCode = await runLabCommand(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`netloom: ${describeError(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
