import type { GuardReport } from "../model/guard.ts";
import type { ChangeReport, Issue, StepFailure } from "../model/report.ts";
import type { Compiled } from "../plan/compile.ts";
import { unitOwners } from "../plan/step-object.ts";

/** The answer to documents that were refused: nothing was done. */
export function refused(issues: readonly Issue[]): ChangeReport {
  const failures = failuresOf(issues);
  return { outcome: "failed", issues, warnings: [], steps: [], failures, unverified: [], milliseconds: 0 };
}

/** Refusals of a pass, which does what it can, in the words of its report. */
export function failuresOf(issues: readonly Issue[]): readonly StepFailure[] {
  return issues.map(({ message, documents }) => ({ step: documents.join(", "), message }));
}

/** What a change came to once the guard has decided: one that was reverted has failed, whatever its steps did. */
export function withVerdict(report: ChangeReport, guard: GuardReport): ChangeReport {
  if (guard.state !== "reverted") return { ...report, guard };
  const failure = { step: guard.change, message: `reverted: ${guard.message}` };
  return { ...report, outcome: "failed", failures: [...report.failures, failure], guard };
}

/** What a plan says of the links of an uplink that it touches. */
export function touchText(uplinks: readonly string[]): string {
  return `this touches ${uplinks.join(", ")}, by which the node is reached: reverted unless its gateway still answers`;
}

/** Failures with the documents that want the objects concerned. */
export function withOwners(failures: readonly StepFailure[], { units }: Compiled): readonly StepFailure[] {
  if (failures.length === 0) return failures;
  const owners = unitOwners(units);
  return failures.map((failure) => {
    const owner = failure.object === undefined ? undefined : owners.get(failure.object);
    return owner === undefined ? failure : { ...failure, object: `${owner}: ${failure.object}` };
  });
}
