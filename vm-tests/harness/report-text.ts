import { describeAccelerator } from "./accel.ts";
import type { ReportStep, ScenarioReport } from "./report.ts";

/** A row this long is still one line; of a longer one the detail goes below. */
const rowWidth = 110;

/** A scenario as a table for people, a row a step, and after a failure what is needed to look into it. */
export function reportText(report: ScenarioReport): string {
  const { title, accelerator, steps, failure, reason, replay } = report;
  const kept = steps.filter(({ ok }) => ok).length;
  return [
    title,
    ...(accelerator === undefined ? [] : [describeAccelerator(accelerator)]),
    ...["", ...steps.flatMap(formatStep), ""],
    ...(reason === undefined ? [] : [`skipped: ${reason}`]),
    `${kept} of ${steps.length} hold, ${Math.round(report.seconds)} s`,
    ...(failure === undefined ? [] : ["", `failed: ${failure.text}`, `run it again: ${replay}`]),
  ].join("\n");
}

/** The beginning of a step's line: "ok        4.3 s  name". */
export function stepHead({ name, ok, start, end }: ReportStep): string {
  return `${ok ? "ok    " : "FAILED"} ${(end - start).toFixed(1).padStart(6)} s  ${name}`;
}

function formatStep(step: ReportStep): readonly string[] {
  const head = stepHead(step);
  if (step.detail === "") return [head];
  const line = `${head}: ${step.detail}`;
  return line.length <= rowWidth
    ? [line]
    : [head, ...step.detail.split("; ").map((part) => `${" ".repeat(17)}${part}`)];
}
