import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { type AccelVerdict, describeAccelerator } from "./accel.ts";
import { LabError, describeEvidence } from "./lab-error.ts";
import { summaryOf } from "./node.ts";

/** One thing that was to be proven. */
export type ReportRow = {
  readonly name: string;
  readonly ok: boolean;
  /** Wall seconds it took. */
  readonly seconds: number;
  /** What was seen; the reason when it failed. */
  readonly detail: string;
};

/** The content of report.json. Readers may rely on it; `version` changes when they no longer can. */
export type ReportFile = {
  readonly version: 1;
  readonly title: string;
  readonly ok: boolean;
  /** ISO 8601 */
  readonly started: string;
  readonly seconds: number;
  readonly accelerator: AccelVerdict;
  readonly seed: number;
  readonly host: { readonly cpus: number; readonly loadAverage: readonly number[] };
  readonly rows: readonly ReportRow[];
  /** The command that runs the same again. */
  readonly replay: string;
};

type ReportInit = {
  readonly title: string;
  readonly accelerator: AccelVerdict;
  readonly seed: number;
  readonly replay: string;
  /** Called with a short line when a step has ended, and while it takes its time. */
  readonly onProgress?: (line: string) => void;
};

/** A step that is done sooner is told of when it has ended only. */
const announceMs = 3000;
/** A row this long is still one line; of a longer one the detail goes below. */
const rowWidth = 110;

/** Collects what a run proves, step by step. */
export class Report {
  readonly #init: ReportInit;
  readonly #started = new Date();
  readonly #clock = performance.now();
  readonly #rows: ReportRow[] = [];
  #failure: unknown;

  constructor(init: ReportInit) {
    this.#init = init;
  }

  get rows(): readonly ReportRow[] {
    return this.#rows;
  }

  get ok(): boolean {
    return this.#rows.every(({ ok }) => ok);
  }

  /** Runs one step; what it returns says what was seen. A step that throws makes a failed row, and is thrown on. */
  async step(name: string, prove: () => Promise<string>): Promise<void> {
    const started = performance.now();
    const announce = setTimeout(() => this.#init.onProgress?.(`${name} …`), announceMs);
    try {
      const detail = await prove();
      this.add({ name, ok: true, seconds: since(started), detail });
    } catch (error) {
      this.#failure ??= error;
      this.add({ name, ok: false, seconds: since(started), detail: firstLine(summaryOf(error)) });
      throw error;
    } finally {
      clearTimeout(announce);
    }
  }

  /** Adds a row that was measured elsewhere. */
  add(row: ReportRow): void {
    this.#rows.push(row);
    this.#init.onProgress?.(rowHead(row));
  }

  get file(): ReportFile {
    const { title, accelerator, seed, replay } = this.#init;
    return {
      version: 1,
      title,
      ok: this.ok,
      started: this.#started.toISOString(),
      seconds: since(this.#clock),
      accelerator,
      seed,
      host: { cpus: availableParallelism(), loadAverage: loadavg().map((load) => Number(load.toFixed(2))) },
      rows: this.#rows,
      replay,
    };
  }

  /** Writes report.json; gives its path. */
  async write(directory: string): Promise<string> {
    await mkdir(directory, { recursive: true });
    const path = join(directory, "report.json");
    await writeFile(path, `${JSON.stringify(this.file, undefined, 2)}\n`);
    return path;
  }

  /** The table for people, and after a failure what is needed to look into it. */
  text(): string {
    const { title, accelerator, replay } = this.#init;
    const kept = this.#rows.filter(({ ok }) => ok).length;
    const sum = `${kept} of ${this.#rows.length} hold, ${Math.round(since(this.#clock))} s`;
    const lines = [title, describeAccelerator(accelerator), "", ...this.#rows.flatMap(formatRow), "", sum];
    if (this.#failure !== undefined) lines.push("", ...describeFailure(this.#failure), `run it again: ${replay}`);
    return lines.join("\n");
  }
}

function describeFailure(error: unknown): readonly string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(describeFailure);
  if (error instanceof LabError) return [`failed: ${error.summary}`, describeEvidence(error.evidence)];
  return [`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
}

function rowHead({ name, ok, seconds }: ReportRow): string {
  return `${ok ? "ok    " : "FAILED"} ${seconds.toFixed(1).padStart(6)} s  ${name}`;
}

function formatRow(row: ReportRow): readonly string[] {
  const head = rowHead(row);
  if (row.detail === "") return [head];
  const line = `${head}: ${row.detail}`;
  return line.length <= rowWidth ? [line] : [head, ...row.detail.split("; ").map((part) => `${" ".repeat(17)}${part}`)];
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function since(started: number): number {
  return Number(((performance.now() - started) / 1000).toFixed(2));
}
