import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { strangerIsLeftAlone, supervisorTable } from "../../testing/supervisor-table.ts";

for (const [title, run] of supervisorTable("s6")) test(title, run);

test("s6: a stranger's service of the same name is named and left alone", async (t) => {
  await strangerIsLeftAlone(t, "s6", async (rig) => await writeFile(join(rig.dir, "scan/one"), "a stranger's"));
});
