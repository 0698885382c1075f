import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "./cache-root.ts";
import { asRoot, isRoot } from "./privilege.ts";
import { run } from "./process.ts";
import { repository } from "./repository.ts";

/** Gives what root made for us back to the user who runs this. */
export async function handBack(...paths: readonly string[]): Promise<void> {
  if (isRoot() || paths.length === 0) return;
  const owner = `${process.getuid?.()}:${process.getgid?.()}`;
  await run(asRoot(["chown", "-hR", owner, ...paths]));
}

/** What must belong to root in the cache: file systems whose owners matter. */
const rootsOwn = new Set(["toolbox", "image-base"]);

/** Gives the user dist/ and the cache, as far as programs in the toolbox wrote there. */
export async function handBackOutputs(): Promise<void> {
  if (isRoot()) return;
  const cache = await readdir(cacheRoot()).catch((): string[] => []);
  const paths = cache.filter((name) => !rootsOwn.has(name)).map((name) => join(cacheRoot(), name));
  const dist = join(repository, "dist");
  const outputs = [...paths, ...((await readdir(repository)).includes("dist") ? [dist] : [])];
  if (await anyForeign(outputs)) await handBack(...outputs);
}

/** True when something below is not ours, or cannot be looked at: only then is root needed to hand it back. */
async function anyForeign(paths: readonly string[]): Promise<boolean> {
  if (paths.length === 0) return false;
  const argv = ["find", ...paths, "!", "-user", String(process.getuid?.()), "-print", "-quit"];
  return run(argv).then(
    (found) => found !== "",
    () => true,
  );
}

/** Removes a tree, also one of root's; never crosses into a file system that is mounted in it. */
export async function removeTree(path: string): Promise<void> {
  try {
    if (!isRoot()) return await rm(path, { recursive: true, force: true });
  } catch {
    // Made by root: fall through to the one command that can.
  }
  await run(asRoot(["rm", "-rf", "--one-file-system", path]));
}
