// `npm run lab -- SUBCOMMAND`: labs of virtual machines by hand. Its subcommands are in vm-tests/lab/commands.ts.
import { describeError } from "../src/lib/errors.ts";
import { UsageError } from "../vm-tests/lab/command.ts";
import { runLabCommand } from "../vm-tests/lab/commands.ts";

try {
  process.exitCode = await runLabCommand(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`netloom: ${describeError(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
