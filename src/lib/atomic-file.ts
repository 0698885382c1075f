import { closeSync, fsync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describeError, isGone } from "./errors.ts";

const sync = promisify(fsync);

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

/** Replaces several files; when one cannot be written (a full or read-only disk shows there), none of them is. */
export async function writeFilesAtomic(
  files: readonly { readonly path: string; readonly content: string }[],
  mode: number,
): Promise<void> {
  const staged: StagedFile[] = [];
  try {
    for (const { path, content } of files) staged.push(await stageFile(path, content, mode));
  } catch (error) {
    await Promise.all(staged.map((file) => file.discard()));
    throw error;
  }
  for (const file of staged) await file.commit();
}

/** Removes a file, if there is one, so that it does not come back after a loss of power. */
export async function removeSynced(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
}

/** Writes and syncs a file under a temporary name, where a full or read-only disk shows. */
export async function stageFile(path: string, content: string, mode: number): Promise<StagedFile> {
  const directory = dirname(path);
  counter += 1;
  const temporary = `${path}.${process.pid}.${counter}.tmp`;
  const discard = (): Promise<void> => rm(temporary, { force: true });
  const orDiscard = async (error: unknown): Promise<never> => {
    await discard();
    throw error;
  };
  await writeSynced(temporary, content, mode).catch(orDiscard);
  const commit = async (): Promise<void> => {
    try {
      renameSync(temporary, path);
    } catch (error) {
      await orDiscard(error);
    }
    await syncDirectory(directory);
  };
  return { commit, discard };
}

async function syncDirectory(directory: string): Promise<void> {
  await synced(openSync(directory, "r"), () => undefined);
}

/** Only syncing waits for the disk, so only that goes to another thread: the other calls cost less than the way there and back. */
async function writeSynced(path: string, content: string, mode: number): Promise<void> {
  await synced(create(path, mode), (fd) => writeFileSync(fd, content));
}

function create(path: string, mode: number): number {
  try {
    return openSync(path, "wx", mode);
  } catch (error) {
    if (!isGone(error)) throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "wx", mode);
  }
}

/** Does something with an open file, syncs and closes it. */
async function synced(fd: number, work: (fd: number) => void): Promise<void> {
  try {
    work(fd);
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What `writeFileAtomic` calls its temporary files; the first number is the process. */
const TEMPORARY = /\.(\d+)\.\d+\.tmp$/u;

/** Removes the temporary files that crashed processes left below a directory; those of this process stay. */
export async function removeTemporaries(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const left = entries.filter((entry) => {
    const owner = TEMPORARY.exec(entry.name)?.[1];
    return entry.isFile() && owner !== undefined && Number(owner) !== process.pid;
  });
  for (const entry of left) await rm(join(entry.parentPath, entry.name), { force: true });
}

/**
 * Puts a file that cannot be used aside, as `PATH.damaged`, where nothing reads it and a person can.
 * @returns what to tell that person
 */
export async function setAside(path: string, why: string): Promise<string> {
  const aside = `${path}.damaged`;
  try {
    await rename(path, aside);
    return `set aside ${path} as ${aside}: ${why}`;
  } catch (error) {
    return `cannot use ${path}: ${why}; nor set it aside: ${describeError(error)}`;
  }
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
