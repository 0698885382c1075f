import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { repository } from "../../scripts/lib/repository.ts";
import { listScenarios, scanScenarios } from "./scenario-list.ts";

const file = "vm-tests/scenarios/link-loss.vm.test.ts";

test("a file with one scenario gives it its name", (t) => {
  const text = `import { scenario } from "x";\n\nscenario("loses \\"some\\" frames", { group: "smoke", topology }, async () => {});\n`;
  t.deepEqual(scanScenarios(file, text), [{ name: "link-loss", file, title: 'loses "some" frames', group: "smoke" }]);
});

test("several scenarios of a file are told apart by their titles", (t) => {
  const text = `scenario(\n  "Loss is what was asked for, and no more than that, over all of the time",\n  { group: "full" },\n);\nscenario("delay", { group: "smoke" });\n`;
  t.deepEqual(
    scanScenarios(file, text).map(({ name, group }) => [name, group]),
    [
      ["link-loss.loss-is-what-was-asked-for-and-no-more", "full"],
      ["link-loss.delay", "smoke"],
    ],
  );
});

test("a scenario that could not be listed is an error with its line, not one that is never run", (t) => {
  t.throws(() => scanScenarios(file, "\nscenario(title, { group: 'smoke' }, body);\n"), {
    message: /link-loss\.vm\.test\.ts:2: a scenario must begin as scenario\("title", \{ group: "smoke"/u,
  });
  t.throws(() => scanScenarios(file, `scenario("a", { topology, group: "smoke" }, body);\n`), { message: /:1: / });
  const twice = `scenario("same words", { group: "full" });\nscenario("Same, words!", { group: "full" });\n`;
  t.throws(() => scanScenarios(file, twice), { message: /:2: two scenarios would be called link-loss\.same-words/u });
});

test("every file of a scenario holds scenarios only, and no two have one name", async (t) => {
  const entries = await listScenarios();
  t.is(new Set(entries.map(({ name }) => name)).size, entries.length);
  t.true(entries.some(({ group }) => group === "smoke"));
});

test("a scenario is 80 lines at most, so that one can be read at once", async (t) => {
  for (const each of new Set((await listScenarios()).map((entry) => entry.file))) {
    const text = readFileSync(join(repository, each), "utf8");
    for (const [whole] of text.matchAll(/^scenario\([\s\S]*?^\}?\);$/gmu)) {
      const lines = whole.split("\n").length;
      t.true(lines <= 80, `${each}: ${lines} lines: ${whole.split("\n", 2).join(" ")}`);
    }
  }
});
