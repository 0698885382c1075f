import { createHash } from "node:crypto";
import { readFile, readlink, readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";

/** What a hash is made of: files and directories below a root, and plain values such as tool versions. */
export type HashInput = {
  readonly root: string;
  /** Relative to the root; directories are walked. One that does not exist counts as absent, not as an error. */
  readonly paths: readonly string[];
  readonly values: readonly string[];
  /** Leaves files out by their relative path, for instance tests that do not change what is built. */
  readonly skip?: (path: string) => boolean;
};

/** 16 hexadecimal digits that depend on names, contents, executable bits and values alone: not on dates or the place. */
export async function contentHash(input: HashInput): Promise<string> {
  const hash = createHash("sha256");
  for (const value of input.values) hash.update(`value ${value.length} ${value}\n`);
  for (const path of input.paths.toSorted()) {
    for (const file of await listFiles(join(input.root, path))) {
      const name = relative(input.root, file.path);
      if (input.skip?.(name) === true) continue;
      const content = file.link ? Buffer.from(await readlink(file.path)) : await readFile(file.path);
      hash.update(`file ${name} ${file.link ? "link" : file.executable} ${content.length}\n`).update(content);
    }
  }
  return hash.digest("hex").slice(0, 16);
}

type Listed = { readonly path: string; readonly link: boolean; readonly executable: boolean };

async function listFiles(path: string): Promise<Listed[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(async () => undefined);
  if (entries === undefined) {
    const found = await stat(path).catch(() => undefined);
    return found === undefined ? [] : [{ path, link: false, executable: (found.mode & 0o100) !== 0 }];
  }
  const files: Listed[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name);
    if (entry.isSymbolicLink()) files.push({ path: child, link: true, executable: false });
    else files.push(...(await listFiles(child)));
  }
  return files;
}
