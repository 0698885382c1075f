import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { compile } from "./plan/compile.ts";
import { KEYS } from "./plan/cmdline/keys.ts";
import { parseDocuments } from "./plan/parse-documents.ts";
import { facts, keyFact, nic } from "./testing/builders.ts";
import { checkDocument } from "./model/document-schema.ts";
import { formatIssue } from "./model/report.ts";
import { findConflicts } from "./plan/conflicts.ts";

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

// docs/node-document.md is a promise: it has every key of a `Node`, and each example is taken.
const page = read("docs/node-document.md");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, key = "", , , flags = "", example = ""]) => ({
    key: key.replaceAll("`", ""),
    flags: [...flags.matchAll(/`([^=`]+)=[^`]*`/gu)].map(([, flag = ""]) => flag),
    example: example.replaceAll("`", ""),
  }));

const SECTIONS = ["uplink", "firewall", "public"];

/** The keys that a part of the document may have, by what is said to one that it may not. */
function keysOf(section?: string): readonly string[] {
  const part = { nothing: 1 };
  const value = { apiVersion: "netloom/v1", kind: "Node", ...(section === undefined ? part : { [section]: part }) };
  const checked = checkDocument("Node", value);
  const issue = "issues" in checked ? checked.issues.find(({ path }) => path.at(-1) === "nothing") : undefined;
  return (issue?.knownKeys ?? []).map((key) => (section === undefined ? key : `${section}.${key}`));
}

test("every key of a Node is explained, and no other", (t) => {
  const whole = new Set(["apiVersion", "kind", "name", ...SECTIONS]);
  const keys = [...keysOf().filter((key) => !whole.has(key)), ...SECTIONS.flatMap(keysOf)];
  t.deepEqual(rows.map(({ key }) => key).toSorted(), keys.toSorted());
  t.true(keys.length > 20);
});

for (const { key, flags, example } of rows) {
  test(`${key}: ${example}`, (t) => {
    const text = `apiVersion: netloom/v1\nkind: Node\n${example}\n`;
    const { documents, issues } = parseDocuments([{ name: "page", text }]);
    t.deepEqual([...issues, ...findConflicts(documents)].map(formatIssue), []);
    const [section = "", name] = key.split(".");
    const said = (documents[0] as unknown as Record<string, Record<string, unknown>>)[section];
    t.true(said !== undefined && (name === undefined || name in said), example);
    for (const flag of flags) t.true(Object.hasOwn(KEYS, flag), flag);
  });
}
