import { describeError } from "../lib/errors.ts";
import { until } from "../lib/async.ts";
import type { Host } from "../host/host.ts";
import type { Target } from "../model/kernel.ts";
import type { Report } from "../model/report.ts";
import type { Step } from "../model/step.ts";
import { diff, type Difference } from "../plan/diff/index.ts";
import { explain } from "../plan/explain.ts";

/** How long the structure may take to show after the last step. */
const VERIFY_MS = 5000;

/** Looks at the kernel and says what would have to be done. */
export async function planTarget(host: Host, target: Target): Promise<Difference> {
  return diff(await host.observe(target), target);
}

/**
 * Brings the kernel to the target: observe, diff, apply, verify by a second look.
 * What fails does not stop the rest, and is reported per step.
 */
export async function reconcile(host: Host, target: Target): Promise<Report> {
  const started = performance.now();
  const { steps, foreign } = await planTarget(host, target);
  const failed = steps.length === 0 ? [] : await host.execute(steps);
  const unverified = steps.length === 0 ? [] : await verify(host, target);
  const failures = [
    ...foreign.map((message) => ({ step: "refused", message: `${message}: rename it, or remove it` })),
    ...failed.map(({ step, error }) => ({ step: explain(step), message: describeError(error) })),
  ];
  const broken = failures.length > 0 || unverified.length > 0;
  return {
    outcome: broken ? "failed" : steps.length === 0 ? "unchanged" : "changed",
    steps: steps.map(explain),
    failures,
    unverified: unverified.map(explain),
    milliseconds: Math.round(performance.now() - started),
  };
}

/** The steps that a fresh look still finds necessary once the kernel had time to settle. */
async function verify(host: Host, target: Target): Promise<readonly Step[]> {
  let open: readonly Step[] = [];
  await until(
    async () => {
      open = (await planTarget(host, target)).steps;
      return open.length === 0 ? true : undefined;
    },
    { timeoutMs: VERIFY_MS, intervalMs: 50 },
  );
  return open;
}
