import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isGone } from "./errors.ts";

let counter = 0;

/**
 * Replaces a file so that a reader, or a crash, sees the old or the new content and nothing between:
 * temporary file beside it, fsync, rename, fsync of the directory. The mode holds from the first byte.
 */
export async function writeFileAtomic(path: string, content: string, mode: number = 0o644): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  counter += 1;
  const temporary = `${path}.${process.pid}.${counter}.tmp`;
  try {
    {
      await using file = await open(temporary, "wx", mode);
      await file.writeFile(content);
      await file.sync();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await using handle = await open(directory, "r");
  await handle.sync();
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
