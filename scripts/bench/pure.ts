import { run } from "../lib/process.ts";
import { repository } from "../lib/repository.ts";
import type { Bench } from "./figure.ts";

/** The tests that need neither root nor a toolbox, as `npm run test:pure` runs them. */
export const pure: Bench = {
  name: "pure",
  inToolbox: false,
  measure: async () => {
    const started = performance.now();
    await run([process.execPath, "scripts/check.ts", "pure"], { cwd: repository });
    return [{ name: "pure tests", ours: (performance.now() - started) / 1000, unit: "s", bar: 10 }];
  },
};
