import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { readIfExists, removeTemporaries, stageFile, writeFileAtomic } from "./atomic-file.ts";

async function fresh(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "netloom-file-"));
  t.teardown(() => rm(directory, { recursive: true }));
  return directory;
}

test("a file is written with its mode, replaced whole, and leaves nothing beside it", async (t) => {
  const directory = await fresh(t);
  const path = join(directory, "deep/er/key");
  await writeFileAtomic(path, "old", 0o600);
  await Promise.all(Array.from({ length: 20 }, (_unused, n) => writeFileAtomic(path, `new ${n} `.repeat(1000), 0o600)));
  const [, first] = /^(new \d+ )/u.exec(await readFile(path, "utf8")) ?? [];
  t.is(await readFile(path, "utf8"), (first ?? "").repeat(1000));
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.deepEqual(await readdir(join(directory, "deep/er")), ["key"]);
});

test("what cannot be put in its place leaves the old content and no temporary file", async (t) => {
  const directory = await fresh(t);
  await mkdir(join(directory, "taken/inside"), { recursive: true });
  await t.throwsAsync(writeFileAtomic(join(directory, "taken"), "x"), { code: "EISDIR" });
  t.deepEqual(await readdir(directory), ["taken"]);
});

test("a staged file is nowhere until it is committed, and gone when it is discarded", async (t) => {
  const directory = await fresh(t);
  const path = join(directory, "file");
  const [kept, dropped] = [await stageFile(path, "kept", 0o644), await stageFile(path, "dropped", 0o644)];
  t.is(await readIfExists(path), undefined);
  await dropped.discard();
  await kept.commit();
  t.is(await readIfExists(path), "kept");
  t.deepEqual(await readdir(directory), ["file"]);
});

test("temporary files of processes that were killed are swept up, and nobody else's", async (t) => {
  const directory = await fresh(t);
  await mkdir(join(directory, "keys"));
  const [left, own] = [
    join(directory, "keys/demo.key.999999999.3.tmp"),
    join(directory, `a.yaml.${process.pid}.1.tmp`),
  ];
  const others = [own, join(directory, "notes.tmp"), join(directory, "a.yaml")];
  for (const path of [left, ...others]) await writeFile(path, "");
  await removeTemporaries(directory);
  t.is(await readIfExists(left), undefined);
  for (const path of others) t.is(await readIfExists(path), "", path);
});
