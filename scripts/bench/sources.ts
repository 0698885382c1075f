import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "../lib/repository.ts";
import { type Bench, median } from "./figure.ts";

const folders = ["src", "scripts", "vm-tests", "native"];

/** How long the source files are: the median of those that are no tests, and the longest of all. */
export const sources: Bench = {
  name: "sources",
  inToolbox: false,
  measure: async () => {
    const found = await Promise.all(folders.map((folder) => readdir(join(repository, folder), { recursive: true })));
    const files = folders
      .flatMap((folder, index) => (found[index] ?? []).map((file) => join(folder, file)))
      .filter((file) => /\.(?:ts|mjs|rs)$/u.test(file) && !file.endsWith(".d.ts"));
    const sized = await Promise.all(
      files.map(async (file) => {
        const text = await readFile(join(repository, file), "utf8");
        return { file, lines: text.split("\n").length - 1 };
      }),
    );
    const shipped = sized.filter(({ file }) => !file.includes(".test."));
    const longest = sized.toSorted((a, b) => b.lines - a.lines)[0];
    return [
      {
        name: "median source file",
        ours: median(shipped.map(({ lines }) => lines)),
        unit: "lines",
        bar: 120,
        note: `${shipped.length} files`,
      },
      { name: "largest source file", ours: longest?.lines ?? 0, unit: "lines", bar: 400, note: longest?.file ?? "" },
    ];
  },
};
