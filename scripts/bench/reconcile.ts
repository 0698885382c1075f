import { resources } from "./documents.ts";
import { type Bench, type Figure, median, milliseconds } from "./figure.ts";
import { RunningEngine } from "./running-engine.ts";

const SIZES = [10, 100, 1000] as const;
const ROUNDS = 7;

/**
 * A pass that looks at everything and finds nothing to do, with 10, 100 and 1,000 network resources; a pass after which
 * nothing happened; and the first pass of a daemon that finds them all.
 */
export const reconcile: Bench = {
  name: "reconcile",
  inToolbox: true,
  runtime: "bun",
  measure: async () => {
    const figures: Figure[] = [];
    const full = new Map<number, number>();
    await using first = await RunningEngine.open();
    let made = 0;
    for (const size of SIZES) {
      // Not in one go: a document text has its limit.
      for (; made < size; made += Math.min(100, size - made))
        await first.apply(...resources(made, Math.min(100, size - made)));
      await first.calm();
      await first.sweep();
      first.phases.reset();
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) times.push(await milliseconds(() => first.sweep()));
      const profile = first.phases.lines(
        times.reduce((sum, one) => sum + one, 0),
        ROUNDS,
      );
      full.set(size, median(times));
      const bar = size === 1000 ? { bar: 1000, profile } : {};
      figures.push({
        name: `reconcile-${size}`,
        ours: median(times),
        unit: "ms",
        ...bar,
        note: "everything looked at",
      });
      const quiet: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) quiet.push(await milliseconds(() => first.pass()));
      figures.push({
        name: `reconcile-${size}.quiet`,
        ours: median(quiet),
        unit: "ms",
        note: "nothing happened since",
      });
    }
    const growth = (full.get(1000) ?? Number.NaN) / (full.get(100) ?? Number.NaN);
    figures.push({ name: "reconcile-1000/100", ours: growth, unit: "times", bar: 15 });
    await first.stop();
    const started = performance.now();
    await using second = await first.again();
    const start = performance.now() - started;
    const report = second.engine.view.report;
    if (report?.outcome !== "unchanged")
      throw new Error(`the next daemon found something to do: ${JSON.stringify(report)}`);
    figures.push({
      name: "observe-first-1000",
      ours: report.milliseconds,
      unit: "ms",
      bar: 3000,
      note: `${Math.round(start)} ms with reading the documents and opening the rest`,
      profile: second.phases.lines(report.milliseconds, 1),
    });
    return figures;
  },
};
