import test from "ava";
import { USAGE, usageOf } from "./usage.ts";

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
