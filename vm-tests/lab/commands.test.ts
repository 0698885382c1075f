import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { parseWords } from "./command.ts";
import { runLabCommand } from "./commands.ts";

test("a mistyped subcommand is understood", async (t) => {
  await t.throwsAsync(runLabCommand(["captur", "n1.eth0"]), {
    name: "UsageError",
    message: /^"captur" is no subcommand, did you mean capture\? \(up, /u,
  });
});

test("words of a subcommand are neither too few nor too many, and its options are known", (t) => {
  const usage = "shell NODE";
  const read = (...words: readonly string[]) => parseWords(words, { lab: "string" }, [1, 1], usage);
  t.deepEqual(read("n1", "--lab", "a"), { options: { lab: "a" }, words: ["n1"] });
  t.throws(() => read(), { message: "something is missing: shell NODE" });
  t.throws(() => read("n1", "n2"), { message: '"n2" is too much: shell NODE' });
  t.throws(() => read("n1", "--lob", "a"), { message: /--lob.*: shell NODE/u });
});

test("a program needs the two dashes before it, else its options would be ours", async (t) => {
  await t.throwsAsync(runLabCommand(["exec", "n1"]), { message: /no program was named/u });
  await t.throwsAsync(runLabCommand(["exec", "n1", "ls"]), { message: /"ls" is too much: exec NODE -- CMD…/u });
});

test("alone it shows every subcommand with an example", (t) => {
  const script = fileURLToPath(new URL("../../scripts/lab.ts", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  t.is(status, 2);
  const names = [...stdout.matchAll(/^([a-z]+)(?: .*)?\n {4}\S.*\n {4}npm run lab -- ([a-z]+)\b/gmu)];
  for (const wanted of ["up", "ls", "shell", "exec", "link", "capture", "graph", "down", "test"])
    t.true(
      names.some(([, name, example]) => name === wanted && example === wanted),
      wanted,
    );
});
