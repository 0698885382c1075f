import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { fingerprint } from "./fingerprint.ts";

test("a small file is its content, wherever it lies; a large one is another after each change", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "netloom-fingerprint-"));
  t.teardown(() => rm(directory, { recursive: true }));
  const [one, two, large] = ["one", "two", "large"].map((name) => join(directory, name)) as [string, string, string];
  await writeFile(one, "same");
  await writeFile(two, "same");
  t.is(await fingerprint(one), await fingerprint(two));
  await writeFile(two, "else");
  t.not(await fingerprint(one), await fingerprint(two));

  await writeFile(large, Buffer.alloc(9 << 20));
  const before = await fingerprint(large);
  t.is(await fingerprint(large), before);
  await utimes(large, 1, 1);
  t.not(await fingerprint(large), before);
});
