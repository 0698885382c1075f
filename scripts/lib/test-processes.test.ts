import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { repository } from "./repository.ts";
import { aloneFiles, filesOfGroup, ownTitle, pureTestFiles, testGroups } from "./test-processes.ts";

test("each pure test file runs in one process, and those that are named exist", (t) => {
  const all = globSync("**/*.test.ts", { cwd: repository, exclude: ["node_modules", "dist", "target"] }).filter(
    (file) => !/\.(?:netns|vm)\.test\.ts$|^scripts\/test-groups\//u.test(file),
  );
  const shared = testGroups.flatMap(filesOfGroup);
  t.deepEqual([...shared, ...aloneFiles].toSorted(), all.toSorted());
  t.deepEqual(pureTestFiles().slice(testGroups.length).toSorted(), aloneFiles.toSorted());
});

test("each group is declared by the file of its name", (t) => {
  for (const [at, group] of testGroups.entries())
    t.true(readFileSync(join(repository, pureTestFiles()[at] ?? ""), "utf8").includes(`runGroup("${group}")`), group);
});

test("a title names the file of the test, not the one of its group", (t) => {
  t.is(
    ownTitle("scripts › test-groups › program › src › cli › inspect › all is told"),
    "src › cli › inspect › all is told",
  );
  t.is(ownTitle("vm-tests › lab › places › a lab › is there"), "vm-tests › lab › places › a lab › is there");
});
