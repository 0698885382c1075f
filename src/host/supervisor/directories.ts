import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { isGone } from "../../lib/errors.ts";

/** Names of the directories of services. */
export async function directories(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if (isGone(error)) return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** True when a path can be reached. */
export async function exists(path: string): Promise<boolean> {
  return await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
