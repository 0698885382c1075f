import test from "ava";
import { parse } from "yaml";
import { hostileRun } from "./hostile-run.ts";
import { tapText } from "./tap.ts";

const text = tapText(hostileRun);
const lines = text.split("\n");

test("a scenario is a test, its steps are a subtest, and the plan counts them", (t) => {
  t.deepEqual(lines.slice(0, 2), ["TAP version 14", "1..4"]);
  const results = lines.filter((line) => /^(?:not )?ok /u.test(line));
  t.deepEqual(
    results.map((line) => line.replace(/ - .*/u, "")),
    ["ok 1", "not ok 2", "ok 3", "not ok 4"],
  );
  t.is(lines.filter((line) => /^ {4}1\.\.1$/u.test(line)).length, 3);
  t.true(lines.includes("    ok 1 - every node has its address"));
});

test("a name neither makes a directive nor another line", (t) => {
  const results = lines.filter((line) => /^ *(?:not )?ok /u.test(line));
  const skips = results.filter((line) => /(?<!\\)(?:\\\\)*#/u.test(line));
  t.is(skips.length, 1);
  t.regex(skips[0] ?? "", /^ok 3 - three nodes # SKIP /u);
  t.false(lines.some((line) => line.startsWith("not ok 9")));
});

test("what is known of a test is YAML, and a failure has the command that replays it", (t) => {
  const blocks = [...text.matchAll(/^( *)---\n([\s\S]*?)^\1\.\.\.$/gmu)].map(
    ([, , body = ""]) => parse(body) as unknown,
  );
  t.is(blocks.length, 7);
  t.like(blocks[0], { seconds: 2.5, detail: "3 of 3" });
  const failed = blocks.find((block) => JSON.stringify(block).includes("second line"));
  t.like(failed, { seed: 7, replay: "npm run lab -- test vm-tests/scenarios/three-nodes.vm.test.ts --seed 7" });
});
