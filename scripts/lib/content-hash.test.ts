import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { contentHash } from "./content-hash.ts";

async function tree(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly root: string }> {
  const root = await mkdtemp(join(tmpdir(), "netloom-hash-"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

test("neither the place nor dates nor the order of paths matter", async (t) => {
  await using one = await tree({ "src/a.ts": "a", "src/deep/b.ts": "b", lock: "1" });
  await using two = await tree({ lock: "1", "src/deep/b.ts": "b", "src/a.ts": "a" });
  await utimes(join(two.root, "lock"), 1, 1);
  const first = await contentHash({ root: one.root, paths: ["src", "lock"], values: ["v1"] });
  t.is(first, await contentHash({ root: two.root, paths: ["lock", "src"], values: ["v1"] }));
  t.regex(first, /^[0-9a-f]{16}$/);
});

test("contents, names, executable bits, values and absence matter", async (t) => {
  const files = { "src/a": "ab", "src/b": "" };
  await using base = await tree(files);
  const hash = (root: string, values = ["v"]): Promise<string> => contentHash({ root, paths: ["src"], values });
  const seen = new Set([await hash(base.root), await hash(base.root, ["w"]), await hash(base.root, ["v", ""])]);
  // The same bytes, cut differently between the two files.
  for (const other of [{ "src/a": "a", "src/b": "b" }, { "src/a": "ab" }, { "src/a": "ab", "src/c": "" }, {}]) {
    await using changed = await tree(other);
    seen.add(await hash(changed.root));
  }
  await chmod(join(base.root, "src/a"), 0o755);
  seen.add(await hash(base.root));
  t.is(seen.size, 8);
});

test("what is skipped may change", async (t) => {
  await using base = await tree({ "src/a.ts": "a", "src/a.test.ts": "1" });
  const hash = (): Promise<string> =>
    contentHash({ root: base.root, paths: ["src"], values: [], skip: (path) => path.endsWith(".test.ts") });
  const before = await hash();
  await writeFile(join(base.root, "src/a.test.ts"), "2");
  t.is(await hash(), before);
});
