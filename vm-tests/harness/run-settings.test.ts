import { join } from "node:path";
import test from "ava";
import { repository } from "../../scripts/lib/repository.ts";
import { runSettings, settingsEnvironment } from "./run-settings.ts";

test("without a word from the runner a scenario has seed 1, its artifacts below dist/labs, and all of its file is run", (t) => {
  const artifacts = join(repository, "dist/labs");
  t.deepEqual(runSettings({}), { seed: 1, artifacts, only: undefined, progress: false });
});

test("what the runner says arrives as it was said", (t) => {
  const settings = { seed: 7, keep: "/run/kept", artifacts: "/a b", only: ["x", "y.z"], progress: true };
  t.deepEqual(runSettings(settingsEnvironment(settings)), settings);
});

test("a seed that is no number is told of", (t) => {
  for (const seed of ["x", "-1", "1.5"])
    t.throws(() => runSettings({ NETLOOM_SEED: seed }), { message: /a whole number from 0 on/u }, seed);
});
