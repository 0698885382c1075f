import test from "ava";
import { UsageError } from "./command.ts";
import { planOf } from "./test.ts";

const file = "vm-tests/scenarios/boot-one-node.vm.test.ts";

test("a plan is what the words say", async (t) => {
  const all = await planOf([]);
  const smoke = await planOf(["--group", "smoke"]);
  t.true(smoke.scenarios.length > 0 && smoke.scenarios.length < all.scenarios.length);
  t.like(all, { firstSeed: 1, runs: 1, untilFail: false, keep: false });
  const one = await planOf([file, "--seed", "7", "--repeat", "3"]);
  t.deepEqual(
    one.scenarios.map(({ name }) => name),
    ["boot-one-node"],
  );
  t.like(one, { firstSeed: 7, runs: 3, untilFail: false });
  t.deepEqual((await planOf(["boot-one-node.vm.test.ts"])).scenarios, one.scenarios, "by its name alone");
  t.like(await planOf([file, "--until-fail"]), { runs: Infinity, untilFail: true });
  t.like(await planOf([file, "--until-fail", "--repeat", "9"]), { runs: 9, untilFail: true });
  t.like(await planOf([file, "--keep", "--report", "/tmp/there"]), { keep: true, directory: "/tmp/there" });
});

test("words that make no sense are told of, with what would", async (t) => {
  for (const [words, message] of [
    [["--group", "smoky"], /there are smoke and full/u],
    [["--shard", "3/2"], /no shard/u],
    [["--repeat", "0"], /--repeat "0": it takes a whole number from 1 on/u],
    [["--seed", "-1"], /seed/u],
    [["--seed=x"], /--seed "x": it takes a whole number from 0 on/u],
    [["--kep"], /--kep/u],
    [["--keep", "--repeat", "2"], /--keep is for one run/u],
    [["vm-tests/scenarios/boot-one-nod.vm.test.ts"], /there is no file .*did you mean .*boot-one-node/u],
    [["tap.test.ts"], /more than one file is called tap\.test\.ts: /u],
    [[file, "--shard", "2/2"], /there is nothing to run/u],
  ] as const) {
    await t.throwsAsync(planOf(words), { instanceOf: UsageError, message }, words.join(" "));
  }
});
