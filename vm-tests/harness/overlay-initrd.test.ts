import test from "ava";
import { extraEntries } from "./overlay-initrd.ts";

test("makes each directory once, before what is in it", (t) => {
  const file = { content: Buffer.from("x"), executable: false };
  const entries = extraEntries([
    { path: "/usr/lib/agent", ...file, executable: true },
    { path: "/etc/netloom/services/agent/run", ...file },
    { path: "/etc/netloom/hostname", ...file },
  ]);
  t.deepEqual(
    entries.map(({ path, mode }) => [path, mode.toString(8)]),
    [
      ["extra", "40755"],
      ["extra/usr", "40755"],
      ["extra/usr/lib", "40755"],
      ["extra/etc", "40755"],
      ["extra/etc/netloom", "40755"],
      ["extra/etc/netloom/services", "40755"],
      ["extra/etc/netloom/services/agent", "40755"],
      ["extra/usr/lib/agent", "100755"],
      ["extra/etc/netloom/services/agent/run", "100644"],
      ["extra/etc/netloom/hostname", "100644"],
    ],
  );
});
