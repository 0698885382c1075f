/** What a failure in a lab leaves to look at. */
export type Evidence = {
  readonly node: string;
  /** The last lines of its console, oldest first. */
  readonly console: readonly string[];
  /** Console log and captures. */
  readonly files: readonly string[];
};

/** A failure that has to do with one node: what went wrong in one line, then what its console said last. */
export class LabError extends Error {
  override readonly name: string = "LabError";
  // Private, so that whoever prints the error does not print them a second time.
  readonly #summary: string;
  readonly #evidence: Evidence;

  constructor(summary: string, evidence: Evidence, cause?: unknown) {
    super(`${summary}\n${describeEvidence(evidence)}`, { cause });
    this.#summary = summary;
    this.#evidence = evidence;
  }

  /** One line, for a table. */
  get summary(): string {
    return this.#summary;
  }

  get evidence(): Evidence {
    return this.#evidence;
  }
}

/** A line longer than this says nothing more to a person. */
const shown = 300;

/** Console lines and files, as they are printed under a failure. */
export function describeEvidence({ node, console, files }: Evidence): string {
  const said = console.length === 0 ? ["  (nothing)"] : console.map((line) => `  | ${shorten(line)}`);
  return [`last console lines of ${node}:`, ...said, ...files.map((file) => `see ${file}`)].join("\n");
}

function shorten(line: string): string {
  return line.length <= shown ? line : `${line.slice(0, shown)}…`;
}
