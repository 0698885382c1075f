import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { lan, node, resource } from "../testing/builders.ts";
import { DocumentStore } from "./store.ts";
import { readYamlFiles } from "./yaml-files.ts";

async function fresh(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "netloom-store-"));
  t.teardown(() => rm(directory, { recursive: true }));
  return join(directory, "documents");
}

async function opened(directory: string): Promise<DocumentStore> {
  const store = new DocumentStore(directory);
  await store.load();
  return store;
}

const names = (store: DocumentStore): readonly string[] =>
  store.all().map(({ document, source }) => `${document.name} ${source}`);

test("what was put is there for the next daemon, one readable file each that only root may read", async (t) => {
  const directory = await fresh(t);
  const documents = [node(), lan("lab"), resource("demo")];
  await (await opened(directory)).put(documents);
  t.deepEqual((await readdir(directory)).toSorted(), ["Lan-lab.yaml", "NetworkResource-demo.yaml", "Node.yaml"]);
  t.regex(await readFile(join(directory, "Lan-lab.yaml"), "utf8"), /^apiVersion: netloom\/v1\nkind: Lan\nname: lab\n/u);
  t.is((await stat(join(directory, "Lan-lab.yaml"))).mode & 0o777, 0o600);
  t.deepEqual(
    (await opened(directory)).all().map(({ document }) => document),
    documents,
  );
});

test("there is one Node, whatever it is called, also after a restart", async (t) => {
  const directory = await fresh(t);
  const store = await opened(directory);
  await store.put([node({ name: "zulu" })]);
  await store.put([node({ name: "alpha" })]);
  t.deepEqual(names(store), ["alpha applied"]);
  t.deepEqual(names(await opened(directory)), ["alpha applied"]);
  await store.remove(node({ name: "alpha" }));
  t.deepEqual(names(await opened(directory)), []);
});

test("an applied document wins over the boot's, and that over the directory's; taken away, the next one shows", async (t) => {
  const store = await opened(await fresh(t));
  store.setLayer("config", [lan("lab"), lan("config")]);
  store.setLayer("boot", [lan("lab"), lan("boot")]);
  await store.put([lan("lab")]);
  t.deepEqual(names(store), ["boot boot", "config config", "lab applied"]);
  await store.remove(lan("lab"));
  t.is(store.find("Lan", "lab")?.source, "boot");
  store.setLayer("boot", []);
  t.is(store.find("Lan", "lab")?.source, "config");
});

test("damaged files are set aside with their reasons, and the rest is read", async (t) => {
  const directory = await fresh(t);
  await (await opened(directory)).put([lan("lab")]);
  await writeFile(join(directory, "Lan-cut.yaml"), "apiVersion: netloom/v1\nkind: La");
  await writeFile(join(directory, "Lan-zero.yaml"), "\0\0\0\0");
  await writeFile(join(directory, "notes.txt"), "not mine");
  await mkdir(join(directory, "odd.yaml"));
  const store = new DocumentStore(directory);
  const problems = await store.load();
  t.deepEqual(names(store), ["lab applied"]);
  t.is(problems.length, 3, problems.join("\n"));
  t.true(
    problems.some((problem) =>
      problem.startsWith(`set aside ${directory}/Lan-cut.yaml as ${directory}/Lan-cut.yaml.damaged: `),
    ),
  );
  t.true(problems.some((problem) => problem.startsWith(`cannot read ${directory}/odd.yaml: EISDIR`)));
  t.is(await readFile(join(directory, "Lan-cut.yaml.damaged"), "utf8"), "apiVersion: netloom/v1\nkind: La");
});

test("of several documents all are kept or none", async (t) => {
  const directory = await fresh(t);
  const store = await opened(directory);
  await store.put([lan("old")]);
  // The second one cannot be staged: its name is longer than a file system takes. The schema would not admit it.
  await t.throwsAsync(store.put([lan("new"), lan("x".repeat(300))]), {
    message: /^cannot keep Lan new, Lan x+: ENAMETOOLONG[^]*; nothing was changed; see that \S+ can be written$/u,
  });
  t.deepEqual(await readdir(directory), ["Lan-old.yaml"]);
  t.deepEqual(names(store), ["old applied"]);
});

test("YAML files are read in the order of their names, others are left, and no directory is no file", async (t) => {
  const directory = await fresh(t);
  t.deepEqual(await readYamlFiles(directory), { files: [], problems: [] });
  await mkdir(directory);
  for (const name of ["20-b.yml", "10-a.yaml", "x.yaml~", ".yaml.swp"]) await writeFile(join(directory, name), name);
  const { files } = await readYamlFiles(directory);
  t.deepEqual(
    files.map(({ text }) => text),
    ["10-a.yaml", "20-b.yml"],
  );
});
