import type { LabEvent } from "./lab-event.ts";
import { summaryOf } from "./node.ts";
import { stepHead } from "./report-text.ts";
import type { ReportEvent, ReportStep } from "./report.ts";

/** A step that is done sooner is told of when it has ended only. */
const announceMs = 3000;

/** All that AVA's error says of an assertion. */
const assertionFailed = "The test has failed";

/** Records what a scenario does and what happens in its lab, in seconds since it began. */
export class Timeline {
  readonly #began = performance.now();
  readonly #steps: ReportStep[] = [];
  readonly #events: ReportEvent[] = [];
  readonly #onProgress: (line: string) => void;

  /** `onProgress` gets a short line when a step has ended, and while it takes its time. */
  constructor(onProgress: (line: string) => void = () => {}) {
    this.#onProgress = onProgress;
  }

  /** Seconds since the scenario began. */
  get now(): number {
    return Number(((performance.now() - this.#began) / 1000).toFixed(2));
  }

  /** Steps that have ended, in the order in which they did. */
  get steps(): readonly ReportStep[] {
    return this.#steps;
  }

  get events(): readonly ReportEvent[] {
    return this.#events;
  }

  /** Runs one step and hands on what it returns; a text says what was seen. A step that throws is recorded as failed. */
  async step<T>(name: string, work: () => Promise<T> | T): Promise<T> {
    const start = this.now;
    const announce = setTimeout(() => this.#onProgress(`${name} …`), announceMs);
    try {
      const result = await work();
      this.#end({ name, start, end: this.now, ok: true, detail: typeof result === "string" ? result : "" });
      return result;
    } catch (error) {
      const detail = summaryOf(error).split("\n", 1)[0] ?? "";
      this.#end({ name, start, end: this.now, ok: false, detail });
      throw error;
    } finally {
      clearTimeout(announce);
    }
  }

  /** Says of a step that failed by an assertion what that was: AVA throws an error without it. */
  explain(summary: string): void {
    for (const [index, step] of this.#steps.entries())
      if (step.detail === assertionFailed) this.#steps[index] = { ...step, detail: summary };
  }

  /** Notes what happened to a node or a link just now. */
  note(event: LabEvent): void {
    this.#events.push({ at: this.now, ...event });
  }

  #end(step: ReportStep): void {
    this.#steps.push(step);
    this.#onProgress(stepHead(step));
  }
}
