import test from "ava";
import { daemonWords, parseDaemonArguments } from "./daemon-options.ts";
import { USAGE, usageOf, UsageError } from "./usage.ts";

test("another process gets the same options, whatever they are", (t) => {
  const words = ["--root=/r", "--guard-seconds=7", "--appliance", "--cmdline=quiet netloom.shell", "--socket=/-s"];
  for (const argv of [[], words]) {
    const options = parseDaemonArguments(argv, { NETLOOM_SOCKET: "/elsewhere.sock" });
    t.deepEqual(parseDaemonArguments(daemonWords(options), {}), options);
  }
  t.is(parseDaemonArguments([], {}).guardSeconds, 50);
});

test("a deadline that is no number of seconds is refused", (t) => {
  for (const word of ["0", "-1", "1.5", "soon", ""])
    t.throws(() => parseDaemonArguments([`--guard-seconds=${word}`], {}), {
      instanceOf: UsageError,
      message: `--guard-seconds needs a whole number of seconds from 1 to 99999, not '${word}'`,
    });
});

test("the usage of a command is all of its own lines and no other's", (t) => {
  t.is(usageOf("status"), `${USAGE.split("\n").find((line) => line.includes("netloom status"))}\n`);
  t.deepEqual(
    usageOf("apply")
      .split("\n")
      .map((line) => line.trim().split("   ")[0]),
    ["netloom apply FILE...", "netloom apply --confirm [FILE...]", ""],
  );
  const daemon = usageOf("daemon");
  for (const option of ["root", "config", "socket", "runtime", "services", "supervisor", "appliance", "guard-seconds"])
    t.regex(daemon, new RegExp(`--${option}\\b`, "u"));
  t.is(usageOf("nothing"), USAGE);
});
