import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { repository } from "../../scripts/lib/repository.ts";

test("shows in the guide for other daemons the scenario that is run, as it is", async (t) => {
  const read = (path: string): Promise<string> => readFile(join(repository, "vm-tests", path), "utf8");
  const guide = await read("README.md");
  t.true(guide.includes(`\`\`\`ts\n${await read("scenarios/own-kernel.vm.test.ts")}\`\`\`\n`));
});
