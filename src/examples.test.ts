import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { compile } from "./plan/compile.ts";
import { KEYS } from "./plan/cmdline/keys.ts";
import { parseDocuments } from "./plan/parse-documents.ts";
import { facts, keyFact, nic } from "./testing/builders.ts";
import { formatIssue } from "./model/report.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const known = facts({ nics: [nic("eth0")], wireguardKeys: { demo: keyFact("demo") } });

// Those in examples/labs are topologies, and vm-tests has their test.
for (const name of readdirSync(join(root, "examples")).filter((file) => file.endsWith(".yaml"))) {
  test(`examples/${name} is accepted and compiles`, (t) => {
    const { documents, issues } = parseDocuments([{ name, text: read(`examples/${name}`) }]);
    t.deepEqual(issues.map(formatIssue), []);
    const compiled = compile(documents, known);
    t.deepEqual(compiled.issues, []);
    t.true(compiled.target.length > 0);
  });
}

test("every YAML document in the README is accepted", (t) => {
  const blocks = [...read("README.md").matchAll(/```yaml\n([\s\S]*?)```/gu)].map(([, text]) => text ?? "");
  t.true(blocks.length > 0);
  for (const text of blocks) {
    const { documents, issues } = parseDocuments([{ name: "README.md", text }]);
    t.deepEqual(issues.map(formatIssue), []);
    t.deepEqual(compile(documents, known).issues, []);
  }
});

test("every kernel flag that the README explains is honoured or known to the image", (t) => {
  const rows = read("README.md").match(/^\| kernel flag [^]*?\n\n/mu)?.[0] ?? "";
  const flags = [...rows.matchAll(/^\| (`[^|]*`) \|/gmu)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([A-Za-z.:-]+)/gu)].map(([, flag = ""]) => flag),
  );
  const init = `${read("image/initramfs/init")}${read("image/mkosi.extra/usr/libexec/netloom/boot")}`;
  t.true(flags.length > 20);
  for (const flag of flags) t.true(Object.hasOwn(KEYS, flag) || init.includes(flag), flag);
});
