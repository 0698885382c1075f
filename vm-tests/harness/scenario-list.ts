import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";

/** Scenarios of "smoke" are part of `npm test`; "full" is all of them. */
export type Group = "smoke" | "full";

/** A scenario as it is known without running it. */
export type ScenarioEntry = {
  /** Names its artifacts, and is what the quarantine list says: the file, and the title where a file has several. */
  readonly name: string;
  /** Relative to the repository. */
  readonly file: string;
  readonly title: string;
  readonly group: Group;
};

/** Where the scenarios are; directories below it are for other files. */
const scenariosDirectory = "vm-tests/scenarios";

const call = /^scenario\(/gmu;
const head = /^scenario\(\s*"((?:\\.|[^"\\])*)",\s*\{\s*group: "(smoke|full)"/gmu;

/**
 * The scenarios in the text of a file, in its order. Title and group are read from the text, since loading a file runs it: so
 * they must be literals, the group first in its options. @throws with the line of a call that cannot be read, or of a title
 * that a file has twice.
 */
export function scanScenarios(file: string, text: string): readonly ScenarioEntry[] {
  const found = [...text.matchAll(head)].map(({ index, 1: title = "", 2: group = "" }) => ({
    index,
    title: JSON.parse(`"${title}"`) as string,
    group: group as Group,
  }));
  const line = (index: number): number => text.slice(0, index).split("\n").length;
  for (const { index } of text.matchAll(call)) {
    if (!found.some((entry) => entry.index === index)) {
      const form = `scenario("title", { group: "smoke", ...`;
      throw new Error(`${file}:${line(index)}: a scenario must begin as ${form} with "smoke" or "full" as literals`);
    }
  }
  const stem = basename(file).replace(/\..*$/u, "");
  const names = found.map(({ title }) => (found.length === 1 ? stem : `${stem}.${slug(title)}`));
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0)
    throw new Error(`${file}:${line(found[twice]?.index ?? 0)}: two scenarios would be called ${names[twice]}`);
  return found.map(({ title, group }, index) => ({ name: names[index] ?? stem, file, title, group }));
}

/** The scenarios of some files, or of all there are, ordered by file. @throws when a file is not there or cannot be read. */
export async function listScenarios(files?: readonly string[]): Promise<readonly ScenarioEntry[]> {
  const all = files ?? (await scenarioFiles());
  return all.flatMap((file) => scanScenarios(file, readFileSync(join(repository, file), "utf8")));
}

/** The entry of a scenario that is about to be declared. @throws when the runner would not know it. */
export function entryOf(file: string, title: string): ScenarioEntry {
  const entry = scanScenarios(file, readFileSync(join(repository, file), "utf8")).find((one) => one.title === title);
  if (entry === undefined) throw new Error(`${file}: the title of "${title}" must stand in its call as it is`);
  return entry;
}

async function scenarioFiles(): Promise<readonly string[]> {
  const names = await readdir(join(repository, scenariosDirectory));
  return names
    .filter((name) => name.endsWith(".vm.test.ts"))
    .toSorted()
    .map((name) => `${scenariosDirectory}/${name}`);
}

/** The first words of a title, fit for a file name. */
function slug(title: string): string {
  const words = title.toLowerCase().match(/[a-z0-9]+/gu) ?? ["scenario"];
  let text = "";
  for (const word of words) {
    if (text.length + word.length > 40) break;
    text += `${text === "" ? "" : "-"}${word}`;
  }
  return text === "" ? (words[0] ?? "").slice(0, 40) : text;
}
