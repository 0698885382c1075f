import { describeError } from "../lib/errors.ts";
import { until } from "../lib/async.ts";
import type { FailedStep, Host, Scope } from "../host/host.ts";
import type { Target } from "../model/kernel.ts";
import type { Report } from "../model/report.ts";
import { stepPlaces, type Step } from "../model/step.ts";
import { diff, type Difference } from "../plan/diff/index.ts";
import { explain } from "../plan/explain.ts";
import { stepObject } from "../plan/step-object.ts";
import { Fights } from "./fights.ts";

/** How long the structure may take to show after the last step. */
const VERIFY_MS = 5000;
/** How often steps are taken in one pass: those of the first look, and what they brought about. */
const ROUNDS = 3;

/** Looks at the kernel and says what would have to be done. */
export async function planTarget(host: Host, target: Target, scope: Scope): Promise<Difference> {
  return diff(await host.observe(target, scope), target);
}

export interface Reconciled {
  readonly report: Report;
  /** Steps that failed, that a second look still found necessary, or that are left to somebody else. */
  readonly open: readonly Step[];
}

/**
 * Brings the kernel to the target: observe, diff, apply, and look again. The kernel does things beside what it was
 * told (the last address of a link takes the link's routes along), so what a second look finds is done at once too.
 * What fails does not stop the rest, and is reported by its object.
 */
export async function reconcile(
  host: Host,
  target: Target,
  scope: Scope,
  fights: Fights = new Fights(),
): Promise<Reconciled> {
  const started = performance.now();
  const { steps: first, ...seen } = await planTarget(host, target, scope);
  // What stood in the way may be gone with what the first steps removed.
  let { foreign } = seen;
  if (fights.judge(first, target)) fights.suspect(await host.managers());
  const held = first.filter((step) => fights.holds(step));
  const taken = new Map<string, Step>();
  const failed = new Map<string, FailedStep>();
  const isOpen = (step: Step): boolean => !failed.has(explain(step)) && !fights.holds(step);
  let open: readonly Step[] = first.filter((step) => !fights.holds(step));
  for (let round = 0; open.length > 0 && round < ROUNDS; round += 1) {
    for (const step of open) taken.set(explain(step), step);
    for (const one of await host.execute(open)) failed.set(explain(one.step), one);
    ({ steps: open, foreign } = await look(host, target, new Set(), isOpen));
  }
  if (open.length > 0) open = await settle(host, target, open, isOpen);
  const failures = [
    ...foreign.map((message) => ({ step: "refused", message: `${message}: rename it, or remove it` })),
    ...[...failed].map(([text, { step, error }]) => ({
      step: text,
      object: stepObject(step),
      message: describeError(error),
    })),
  ];
  const broken = failures.length > 0 || open.length > 0;
  const report: Report = {
    outcome: broken ? "failed" : taken.size === 0 ? "unchanged" : "changed",
    steps: [...taken.keys()],
    failures,
    unverified: open.map(explain),
    milliseconds: Math.round(performance.now() - started),
  };
  const unmade = [...[...failed.values()].map(({ step }) => step), ...open];
  fights.settled(target, unmade, open);
  return { report, open: [...unmade, ...held] };
}

/** The steps that a fresh look still finds necessary. What failed is known already and not waited for, nor is what is left to others. */
async function look(host: Host, target: Target, scope: Scope, isOpen: (step: Step) => boolean): Promise<Difference> {
  const { steps, foreign } = await planTarget(host, target, scope);
  return { steps: steps.filter(isOpen), foreign };
}

/** The steps that are still necessary once the kernel had time to settle. */
async function settle(
  host: Host,
  target: Target,
  unsettled: readonly Step[],
  isOpen: (step: Step) => boolean,
): Promise<readonly Step[]> {
  const places = new Set(unsettled.flatMap(stepPlaces));
  let open = unsettled;
  await until(
    async () => {
      ({ steps: open } = await look(host, target, places, isOpen));
      return open.length === 0 ? true : undefined;
    },
    { timeoutMs: VERIFY_MS, intervalMs: 50 },
  );
  return open;
}
