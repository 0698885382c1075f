import { describeError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { uptime } from "../lib/uptime.ts";
import type { Facts } from "../model/facts.ts";
import type { Report } from "../model/report.ts";
import type { Compiled } from "../plan/compile.ts";

/** Every so often everything is looked at again, whether an event said so or not. */
export const SWEEP_MS = 180_000;

/** What a pass found. */
export interface Looked {
  readonly report: Report;
  /** Null when the pass did not come that far. */
  readonly compiled: Compiled | null;
  readonly problems: readonly string[];
  /** Milliseconds until the next look when all is well. */
  readonly again: number;
}

const owners = new WeakMap<Compiled, ReadonlyMap<string, string>>();

/** The documents that our namespaces belong to; found once for what was compiled. */
export function netnsOwners(compiled: Compiled | null): ReadonlyMap<string, string> {
  if (compiled === null) return new Map();
  const known = owners.get(compiled);
  if (known !== undefined) return known;
  const found = new Map(
    [...compiled.units].flatMap(([unit, objects]) =>
      objects.flatMap((object) => (object.kind === "netns" ? [[object.name, unit] as const] : [])),
    ),
  );
  owners.set(compiled, found);
  return found;
}

/** What a pass that could not look says. */
export function thrown(error: unknown): Looked {
  const failures = [{ step: "look at the node", message: describeError(error) }];
  const report: Report = { outcome: "failed", steps: [], failures, unverified: [], milliseconds: 0 };
  return { report, compiled: null, problems: [], again: SWEEP_MS };
}

/** The console shows how much was done; each step is told at level debug, and what failed always. */
export function logPass(log: Log, { outcome, steps, failures, unverified, milliseconds }: Report): void {
  for (const step of steps) log.debug(step);
  if (outcome === "failed")
    log.warn({ failures, unverified }, `pass failed: ${failures.length} of ${steps.length} steps, ${milliseconds} ms`);
  else log.info(`pass: ${steps.length} steps in ${milliseconds} ms`);
}

/** Milliseconds until the first part of a lease or an advertisement ends. */
export function nextExpiry({ nics }: Pick<Facts, "nics">): number {
  const ends = nics.flatMap(({ probe }) => {
    const { lease4, lease6, ra } = probe ?? {};
    const timed = [...(lease6?.addresses ?? []), ...(lease6?.prefixes ?? [])].map(({ validUntil }) => validUntil);
    return [...timed, lease4?.expiresAt, lease6?.doubtedUntil, ra?.expiresAt].filter((end) => end !== undefined);
  });
  const seconds = Math.min(...ends) - uptime();
  return Number.isFinite(seconds) ? Math.max(1, seconds) * 1000 : SWEEP_MS;
}

/** Milliseconds until time alone may lead to another choice of the uplink, or lets WireGuard start. */
export function untilDeadline({ choice, clock }: Compiled): number {
  const deadline = Math.min(choice.deadline ?? Infinity, clock.until ?? Infinity);
  return deadline === Infinity ? SWEEP_MS : Math.max(0, deadline - uptime()) * 1000 + 10;
}
