import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";
import { testFiles } from "../../scripts/lib/test-processes.ts";
import { didYouMean } from "../../src/lib/nearest.ts";
import { UsageError } from "./command.ts";

/**
 * The test file that a word means, as its path from the repository: by its path from here, or by the end of it where only one
 * has that. @throws UsageError when it is none or several
 */
export function testFileOf(word: string): string {
  const path = relative(repository, resolve(word));
  if (existsSync(join(repository, path))) return path;
  const known = testFiles();
  const [found, other] = known.filter((file) => file.endsWith(`/${word}`));
  if (found === undefined) throw new UsageError(`there is no file ${path}${didYouMean(path, known)}`);
  if (other !== undefined) throw new UsageError(`more than one file is called ${word}: ${found}, ${other}`);
  return found;
}
