import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { strangerIsLeftAlone, supervisorTable } from "../../testing/supervisor-table.ts";
import { talk } from "./socket-talk.ts";

for (const [title, run] of supervisorTable("zinit-line")) test(title, run);

test("zinit-line: a stranger's service of the same name is named and left alone", async (t) => {
  await strangerIsLeftAlone(t, "zinit-line", async (rig) => {
    await writeFile(join(rig.dir, "units/one.yaml"), "exec: /bin/sleep 3600\n");
    await talk({ socket: rig.socket, say: "monitor one\n", timeoutMs: 5000 });
  });
});
