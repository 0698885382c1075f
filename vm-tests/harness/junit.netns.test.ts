import { execFileSync } from "node:child_process";
import test from "ava";
import { hostileRun } from "./hostile-run.ts";
import { junitXml } from "./junit.ts";

/** Prints what an XML parser that is not ours finds in a file: a tuple a case. */
const reader = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
suite = root[0]
cases = [{"name": c.get("name"), "class": c.get("classname"), "has": [x.tag for x in c],
  "text": "".join((x.get("message") or "") + "|" + (x.text or "") for x in c if x.tag in ("failure", "skipped"))} for c in suite]
print(json.dumps({"root": root.tag, "suite": dict(suite.items()), "cases": cases}))
`;

type Read = {
  readonly root: string;
  readonly suite: Readonly<Record<string, string>>;
  readonly cases: readonly Readonly<Record<"name" | "class" | "text", string> & { readonly has: readonly string[] }>[];
};

test("a parser of others reads each scenario with its outcome, whatever names and consoles say", (t) => {
  const xml = junitXml(hostileRun);
  const read = JSON.parse(execFileSync("python3", ["-c", reader], { input: xml, encoding: "utf8" })) as Read;
  t.is(read.root, "testsuites");
  t.like(read.suite, { tests: "4", failures: "2", skipped: "1", errors: "0" });
  const [passed, failed, skipped, problem] = read.cases;
  t.deepEqual(passed?.has, ["properties", "system-out"]);
  t.is(passed?.class, "vm-tests/scenarios/three-nodes.vm.test.ts");
  t.deepEqual(failed?.has, ["properties", "failure", "system-out"]);
  t.regex(failed?.text ?? "", /<script>alert\("1"\)<\/script>[\s\S]*second line\nrun it again: npm run lab -- test/u);
  t.deepEqual(skipped?.has, ["properties", "skipped", "system-out"]);
  t.regex(skipped?.text ?? "", /# SKIP/u);
  t.is(problem?.class, "runner");
  t.regex(problem?.text ?? "", /a file could not be loaded/u);
});
