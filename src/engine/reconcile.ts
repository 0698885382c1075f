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

export interface Reconciled {
  readonly report: Report;
  /** Steps that failed, or that a second look still found necessary. */
  readonly open: readonly Step[];
}

/**
 * Brings the kernel to the target: observe, diff, apply, verify by a second look.
 * What fails does not stop the rest, and is reported per step.
 */
export async function reconcile(host: Host, target: Target): Promise<Reconciled> {
  const started = performance.now();
  const { steps, foreign } = await planTarget(host, target);
  const failed = steps.length === 0 ? [] : await host.execute(steps);
  const broke = new Set(failed.map(({ step }) => explain(step)));
  const unverified = steps.length === 0 ? [] : await verify(host, target, broke);
  const failures = [
    ...foreign.map((message) => ({ step: "refused", message: `${message}: rename it, or remove it` })),
    ...failed.map(({ step, error }) => ({ step: explain(step), message: describeError(error) })),
  ];
  const broken = failures.length > 0 || unverified.length > 0;
  const report: Report = {
    outcome: broken ? "failed" : steps.length === 0 ? "unchanged" : "changed",
    steps: steps.map(explain),
    failures,
    unverified: unverified.map(explain),
    milliseconds: Math.round(performance.now() - started),
  };
  return { report, open: [...failed.map(({ step }) => step), ...unverified] };
}

/** The steps that a fresh look still finds necessary once the kernel had time to settle. What `broke` is known already: no waiting for it. */
async function verify(host: Host, target: Target, broke: ReadonlySet<string>): Promise<readonly Step[]> {
  let open: readonly Step[] = [];
  await until(
    async () => {
      open = (await planTarget(host, target)).steps.filter((step) => !broke.has(explain(step)));
      return open.length === 0 ? true : undefined;
    },
    { timeoutMs: VERIFY_MS, intervalMs: 50 },
  );
  return open;
}
