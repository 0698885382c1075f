import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readIfExists } from "../lib/atomic-file.ts";
import { describeError, isGone, NetloomError } from "../lib/errors.ts";
import type { SourceFile } from "../plan/parse-documents.ts";

/** The YAML files of a directory in the order of their names, and what cannot be read; a directory that is not there has none. */
export async function readYamlFiles(
  directory: string,
): Promise<{ readonly files: readonly SourceFile[]; readonly problems: string[] }> {
  const problems: string[] = [];
  const names = await readdir(directory).catch((error: unknown) => {
    if (!isGone(error)) problems.push(`cannot read ${directory}: ${describeError(error)}`);
    return [];
  });
  const paths = names
    .filter((name) => /\.ya?ml$/u.test(name))
    .toSorted()
    .map((name) => join(directory, name));
  const files: SourceFile[] = [];
  for (const name of paths) {
    try {
      files.push({ name, text: (await readIfExists(name)) ?? "" });
    } catch (error) {
      problems.push(`cannot read ${name}: ${describeError(error)}`);
    }
  }
  return { files, problems };
}

/** That something could not be written to its directory, and so nothing was changed. */
export function cannotKeep(what: string, directory: string, error: unknown): NetloomError {
  return new NetloomError({
    code: "failed",
    op: "keep",
    target: what,
    why: describeError(error),
    hint: `nothing was changed; see that ${directory} can be written`,
    cause: error,
  });
}
