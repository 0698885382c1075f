import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isGone } from "./errors.ts";

let counter = 0;

/** A file that is written and synced under a temporary name, and not yet in its place. */
export interface StagedFile {
  /** Puts it in its place. */
  commit(): Promise<void>;
  /** Removes it. */
  discard(): Promise<void>;
}

/**
 * Replaces a file so that a reader, or a crash, sees the old or the new content and nothing between:
 * temporary file beside it, fsync, rename, fsync of the directory. The mode holds from the first byte.
 */
export async function writeFileAtomic(path: string, content: string, mode: number = 0o644): Promise<void> {
  const staged = await stageFile(path, content, mode);
  await staged.commit();
}

/** The first half of `writeFileAtomic`, where a full or read-only disk shows: several files can so be replaced all or none. */
export async function stageFile(path: string, content: string, mode: number): Promise<StagedFile> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  counter += 1;
  const temporary = `${path}.${process.pid}.${counter}.tmp`;
  const discard = (): Promise<void> => rm(temporary, { force: true });
  const orDiscard = async (error: unknown): Promise<never> => {
    await discard();
    throw error;
  };
  await writeSynced(temporary, content, mode).catch(orDiscard);
  const commit = async (): Promise<void> => {
    await rename(temporary, path).catch(orDiscard);
    await using handle = await open(directory, "r");
    await handle.sync();
  };
  return { commit, discard };
}

async function writeSynced(path: string, content: string, mode: number): Promise<void> {
  await using file = await open(path, "wx", mode);
  await file.writeFile(content);
  await file.sync();
}

/** The text of a file, or undefined when there is none. */
export async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
