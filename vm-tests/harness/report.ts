import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import type { AccelVerdict } from "./accel.ts";
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
  /** Called when a step begins and when it has ended. */
  readonly onProgress?: (line: string) => void;
};

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
    this.#init.onProgress?.(`${name} …`);
    try {
      const detail = await prove();
      this.add({ name, ok: true, seconds: since(started), detail });
    } catch (error) {
      this.#failure ??= error;
      this.add({ name, ok: false, seconds: since(started), detail: firstLine(summaryOf(error)) });
      throw error;
    }
  }

  /** Adds a row that was measured elsewhere. */
  add(row: ReportRow): void {
    this.#rows.push(row);
    this.#init.onProgress?.(formatRow(row));
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
    const head = `${title} (${accelerator.accel}: ${accelerator.provenBy})`;
    const lines = [head, "", ...this.#rows.map(formatRow), ""];
    if (this.#failure !== undefined) lines.push(...describeFailure(this.#failure), `run it again: ${replay}`);
    return lines.join("\n");
  }
}

function describeFailure(error: unknown): readonly string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(describeFailure);
  if (error instanceof LabError) return [`failed: ${error.summary}`, describeEvidence(error.evidence)];
  return [`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
}

function formatRow({ name, ok, seconds, detail }: ReportRow): string {
  return `${ok ? "ok    " : "FAILED"} ${seconds.toFixed(1).padStart(6)} s  ${name}${detail === "" ? "" : `: ${detail}`}`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function since(started: number): number {
  return Number(((performance.now() - started) / 1000).toFixed(2));
}
