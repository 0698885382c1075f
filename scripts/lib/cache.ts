import { mkdir, readdir, rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "./cache-root.ts";
import { withLock } from "./lock.ts";
import { removeTree } from "./ownership.ts";

/** A directory of the cache, and whether it was there before. */
export type CacheEntry = { readonly dir: string; readonly hit: boolean };

/** The directory of one content hash, whether or not it exists yet. */
export function entryDir(kind: string, hash: string): string {
  return join(cacheRoot(), kind, hash);
}

/**
 * The directory for (kind, hash), made by `make` in a temporary place and then renamed, so an entry is whole or absent.
 * Callers at the same time, also in other processes, wait for one maker. Older entries of the kind go, but for `keep`.
 */
export async function cached(
  kind: string,
  hash: string,
  make: (dir: string) => Promise<void>,
  keep = 3,
): Promise<CacheEntry> {
  const dir = entryDir(kind, hash);
  if (await touch(dir)) return { dir, hit: true };
  return withLock(`${kind}-${hash}`, async () => {
    if (await touch(dir)) return { dir, hit: true };
    const parent = join(cacheRoot(), kind);
    await mkdir(parent, { recursive: true });
    // We hold the lock of this hash, so a temporary directory of it was left by someone who was interrupted.
    const prefix = `.making-${hash}-`;
    for (const name of await readdir(parent)) {
      if (name.startsWith(prefix)) await removeTree(join(parent, name));
    }
    const temporary = join(parent, `${prefix}${process.pid}`);
    await mkdir(temporary);
    try {
      await make(temporary);
      await rename(temporary, dir);
    } catch (error) {
      await removeTree(temporary);
      throw error;
    }
    await prune(parent, keep);
    return { dir, hit: false };
  });
}

/** Marks an entry as used now; false when it is not there. */
async function touch(dir: string): Promise<boolean> {
  try {
    const entry = await stat(dir);
    const now = new Date();
    // An entry made under sudo belongs to root: its date then stays, which only makes it look older.
    await utimes(dir, now, now).catch(() => undefined);
    return entry.isDirectory();
  } catch {
    return false;
  }
}

/** Entries younger than this may be in use by a run that goes on beside us. */
const pruneAgeMs = 3600 * 1000;

async function prune(parent: string, keep: number): Promise<void> {
  const names = await readdir(parent);
  const entries = await Promise.all(
    // One that went meanwhile was pruned by somebody else.
    names.map(async (name) => ({ name, used: (await stat(join(parent, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  entries.sort((a, b) => b.used - a.used);
  // Temporary directories of other hashes were left by the interrupted, or are being filled by somebody right now.
  const kept = new Set(entries.filter(({ name }) => !name.startsWith(".")).slice(0, keep));
  for (const entry of entries) {
    if (!kept.has(entry) && Date.now() - entry.used > pruneAgeMs) await removeTree(join(parent, entry.name));
  }
}
