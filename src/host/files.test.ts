import { access, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { ActualFile } from "../model/actual.ts";
import { fileHash } from "../model/definition-hash.ts";
import { fileMark, observeFiles, removeFile, setFile } from "./files.ts";

test("a file of ours is told from another daemon's and from somebody's by its first line, and only ours is removed", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "netloom-files-"));
  t.teardown(() => rm(root, { recursive: true }));
  const [mark, other] = [fileMark("/a"), fileMark("/b")];
  const path = join(root, "deep/resolv.conf");
  const spec = { kind: "file", path, content: "nameserver 192.0.2.1\n", mode: 0o600 } as const;
  const seen = (by: string): ActualFile | undefined => observeFiles(by, [spec]).find((file) => file.path === path);
  t.is(seen(mark), undefined);
  await setFile(mark, spec);
  t.deepEqual(seen(mark), { path, hash: fileHash(spec), mode: 0o600, owned: true });
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.regex(await readFile(path, "utf8"), /^# Netloom [0-9a-f]{8} [^\n]+\nnameserver 192\.0\.2\.1\n$/u);
  t.like(seen(other), { owned: false, hash: null });
  await removeFile(other, path);
  t.is((await readFile(path, "utf8")).length > 0, true);
  await removeFile(mark, path);
  await t.throwsAsync(access(path), { code: "ENOENT" });
  await writeFile(path, "nameserver 198.51.100.1\n");
  await removeFile(mark, path);
  t.like(seen(mark), { owned: false });
});
