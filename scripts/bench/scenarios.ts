import { ensureLabImage } from "../lib/lab-image.ts";
import { tally } from "../../vm-tests/harness/run-report.ts";
import { planOf, runPlan } from "../../vm-tests/lab/test.ts";
import type { Bench } from "./figure.ts";

/** The group of scenarios that is part of `npm test`, as `npm test` runs it. */
export const scenarios: Bench = {
  name: "smoke",
  inToolbox: false,
  measure: async () => {
    const plan = await planOf(["--group", "smoke"]);
    const run = await runPlan(plan, await ensureLabImage(), "npm run bench smoke", { onResult: () => {} });
    const { passed, failed, skipped } = tally(run);
    const note = `${passed} passed, ${failed} failed, ${skipped} skipped; the bar is for two cores`;
    return [{ name: "smoke scenarios", ours: failed > 0 ? Number.NaN : run.seconds, unit: "s", bar: 180, note }];
  },
};
