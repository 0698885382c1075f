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
