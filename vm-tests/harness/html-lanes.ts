import type { ReportEvent, ReportStep, ScenarioReport } from "./report.ts";
import { escapeMarkup as e } from "./run-report.ts";

const left = 110;
const right = 990;
const rowHeight = 22;
const barHeight = 14;
/** About this many figures stand on the axis. */
const ticks = 8;

/** A stretch of a node's life, until it is reset, ends, or the scenario does. */
type Stretch = { readonly from: number; readonly to: number; readonly state: "starting" | "running" };

/**
 * The timeline of a scenario as an SVG without a style of its own: lanes of steps, then one lane a node with what happened to
 * it and to its links. What stands under a mark is shown when a pointer rests on it.
 */
export function lanes(report: ScenarioReport): string {
  const whole = Math.max(0.1, report.seconds);
  const at = (seconds: number): number =>
    Number((left + (Math.min(seconds, whole) / whole) * (right - left)).toFixed(1));
  const stepRows = spread(report.steps);
  const rows: string[] = [];
  const lane = (name: string, marks: readonly string[]): void => {
    const y = rows.length * rowHeight;
    const head = `<text class="lane" x="${left - 8}" y="${y + 13}" text-anchor="end">${e(name)}</text>`;
    rows.push(`${head}<g transform="translate(0 ${y})">${marks.join("")}</g>`);
  };
  for (const [index, row] of stepRows.entries()) {
    lane(
      index === 0 ? "steps" : "",
      row.map((step) => bar(at(step.start), at(step.end), step.ok ? "ok" : "failed", about(step))),
    );
  }
  for (const { name } of report.nodes) {
    const own = report.events.filter(({ of }) => of === name || of.startsWith(`${name}.`));
    const stretches = stretchesOf(
      own.filter(({ of }) => of === name),
      whole,
    );
    lane(name, [
      ...stretches.map(({ from, to, state }) => bar(at(from), at(to), state, `${name} ${state}, ${span(from, to)}`)),
      ...own.map((event) => mark(at(event.at), event)),
    ]);
  }
  const height = rows.length * rowHeight + 20;
  const axis = axisFigures(whole).map(
    (seconds) =>
      `<path class="grid" d="M${at(seconds)} 0V${height - 18}"/><text class="lane" x="${at(seconds)}" y="${height - 4}" text-anchor="middle">${seconds} s</text>`,
  );
  const title = `<title>${e(`What happened when: ${report.title}`)}</title>`;
  return `<svg class="lanes" viewBox="0 0 1000 ${height}" role="img">${title}${axis.join("")}${rows.join("")}</svg>`;
}

/** Steps that ran side by side stand in rows below each other. */
function spread(steps: readonly ReportStep[]): readonly (readonly ReportStep[])[] {
  const rows: ReportStep[][] = [];
  for (const step of steps.toSorted((a, b) => a.start - b.start)) {
    const free = rows.find((row) => (row.at(-1)?.end ?? 0) <= step.start);
    if (free === undefined) rows.push([step]);
    else free.push(step);
  }
  return rows;
}

/** When a node was starting and when it ran. */
function stretchesOf(events: readonly ReportEvent[], whole: number): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let open: Omit<Stretch, "to"> | undefined;
  const close = (to: number): void => {
    if (open !== undefined) stretches.push({ ...open, to });
    open = undefined;
  };
  for (const { at, what } of events) {
    if (what === "link" || what === "panic") continue;
    close(at);
    if (what !== "off") open = { from: at, state: what === "up" ? "running" : "starting" };
  }
  close(whole);
  return stretches;
}

function bar(from: number, to: number, kind: string, title: string): string {
  const width = Math.max(2, to - from).toFixed(1);
  return `<rect class="${kind}" x="${from}" y="3" width="${width}" height="${barHeight}" rx="2"><title>${e(title)}</title></rect>`;
}

function mark(x: number, { at, of, what, detail }: ReportEvent): string {
  const title = `<title>${e(`${at.toFixed(1)} s: ${of} ${what}${detail === undefined ? "" : `: ${detail}`}`)}</title>`;
  const kind = what === "link" ? "link" : what;
  return what === "link"
    ? `<path class="mark ${kind}" d="M${x} 1l5 9h-10z">${title}</path>`
    : `<circle class="mark ${kind}" cx="${x}" cy="10" r="4">${title}</circle>`;
}

function about({ name, ok, detail, start, end }: ReportStep): string {
  return `${ok ? "ok" : "FAILED"}: ${name}, ${span(start, end)}${detail === "" ? "" : `: ${detail}`}`;
}

function span(from: number, to: number): string {
  return `${from.toFixed(1)} to ${to.toFixed(1)} s`;
}

/** Round figures from 0 on: 1, 2 or 5 times a power of ten apart. */
function axisFigures(whole: number): readonly number[] {
  const rough = whole / ticks;
  const power = 10 ** Math.floor(Math.log10(rough));
  const apart = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  return Array.from({ length: Math.floor(whole / apart) + 1 }, (_, index) => Number((index * apart).toPrecision(6)));
}
