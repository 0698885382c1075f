/** docs/kernel-flags.md is a promise: each row has an example, and what the example says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { bootPlan } from "../boot-plan.ts";
import { KEYS } from "./keys.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/kernel-flags.md"), "utf8");
const [words = "", dialects = ""] = page.split("## Where dialects differ");

interface Row {
  readonly point: string;
  readonly example: string;
  readonly says: string;
}

function rowsOf(part: string): readonly Row[] {
  const lines = part.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("|---"));
  return lines.slice(1).map((line) => {
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const text = (cell: string | undefined): string => /^`(.*)`$/u.exec(cell ?? "")?.[1] ?? cell ?? "";
    return { point: cells[0] ?? "", example: text(cells.at(-2)), says: text(cells.at(-1)) };
  });
}

for (const { point, example, says } of [...rowsOf(words), ...rowsOf(dialects)]) {
  test(`${point}: ${example}`, (t) => {
    const { parsed, rejected } = bootPlan(example, { nics: [] });
    if (says.startsWith("rejected: ")) {
      t.is(rejected.length, 1);
      t.true(rejected[0]?.reason.includes(says.slice("rejected: ".length)), rejected[0]?.reason);
    } else {
      t.deepEqual(rejected, []);
      t.like(parsed, JSON.parse(says) as object);
    }
  });
}

test("every word that the parser knows is explained, and no other", (t) => {
  const first = rowsOf(words).map(({ point }) => /^`([^`=]+)/u.exec(point)?.[1] ?? "");
  const explained = new Set([...first, "rd.bootif"]);
  t.true(words.includes("`rd.bootif=0`"));
  t.deepEqual([...explained].toSorted(), Object.keys(KEYS).toSorted());
});

test("the table of dialects is there", (t) => {
  t.true(rowsOf(dialects).length >= 25);
});
