import { readFileSync } from "node:fs";
import test from "ava";
import { listScenarios } from "../harness/scenario-list.ts";
import { readQuarantine } from "./quarantine.ts";

const names = ["link-loss", "main-job"];
const entry = (scenario: string, until: string): string =>
  `- scenario: ${scenario}\n  until: ${until}\n  why: the switch loses a frame when it is very busy\n`;

test("an entry holds until the end of its day", (t) => {
  const text = entry("link-loss", "2026-12-01");
  const { active, problems } = readQuarantine(text, names, "2026-12-01");
  t.deepEqual(problems, []);
  t.like(active, [
    { scenario: "link-loss", until: "2026-12-01", why: "the switch loses a frame when it is very busy" },
  ]);
});

test("an expired entry is a problem that says what to do, and excuses nothing", (t) => {
  const { active, problems } = readQuarantine(entry("link-loss", "2026-12-01"), names, "2026-12-02");
  t.deepEqual(active, []);
  t.is(problems.length, 1);
  t.regex(problems[0] ?? "", /"link-loss" expired on 2026-12-01 \(the switch .*\): mend the scenario/u);
});

test("an entry of no scenario is a problem that names the nearest", (t) => {
  const { active, problems } = readQuarantine(entry("link-los", "2026-12-01"), names, "2026-11-21");
  t.deepEqual(active, []);
  t.regex(problems.join("\n"), /"link-los" is of no scenario.*link-loss.*remove it/u);
});

test("what is no list of entries is told with its place", (t) => {
  const problem = (text: string): string => readQuarantine(text, names, "2026-11-21").problems.join("\n");
  t.regex(problem("- scenario: main-job\n  until: tomorrow\n  why: it is late today\n"), /0\.until: a day is written/u);
  t.regex(problem("- scenario: main-job\n  until: 2026-12-01\n  why: flaky\n"), /0\.why: it must say why/u);
  t.regex(problem("- scenario: main-job\n  until: 2026-12-01\n  why: it is late today\n  who: me\n"), /who/u);
  t.regex(problem("- ["), /no YAML/u);
  t.regex(problem(entry("main-job", "2026-12-01") + entry("main-job", "2026-12-02")), /stands there twice/u);
  t.is(problem("# nothing\n"), "");
});

test("today's list is in order, and empty", async (t) => {
  const text = readFileSync(new URL("../quarantine.yaml", import.meta.url), "utf8");
  const known = (await listScenarios()).map(({ name }) => name);
  t.deepEqual(readQuarantine(text, known, new Date().toISOString().slice(0, 10)), { active: [], problems: [] });
});
