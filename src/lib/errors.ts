/** Codes of the errors that Netloom raises itself; errno names (`EEXIST`, …) pass through from the kernel. */
export type ErrorCode =
  | "invalid"
  | "refused"
  | "not-found"
  | "unreachable"
  | "timeout"
  | "unsupported"
  | "failed"
  | (string & {});

interface NetloomErrorInit {
  readonly code: ErrorCode;
  /** What was attempted, as a verb phrase: "add link". */
  readonly op: string;
  /** On what: "bridge r-demo in the host namespace". */
  readonly target: string;
  /** Why it failed, in the kernel's or the peer's own words where there are any. */
  readonly why: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error that says what was attempted, on what, why it failed and what to do. */
export class NetloomError extends Error {
  override readonly name: string = "NetloomError";
  readonly code: ErrorCode;
  readonly op: string;
  readonly target: string;
  readonly why: string;
  readonly hint: string | undefined;

  constructor(init: NetloomErrorInit) {
    const hint = init.hint === undefined ? "" : `; ${init.hint}`;
    super(`cannot ${init.op} ${init.target}: ${init.why}${hint}`, { cause: init.cause });
    this.code = init.code;
    this.op = init.op;
    this.target = init.target;
    this.why = init.why;
    this.hint = init.hint;
  }
}

/** The `code` of any error that carries one (Node's, the addon's, ours), else undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** True when the object that an operation needed does not exist (any more). */
export function isGone(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENODEV" || code === "ESRCH" || code === "not-found";
}

/** The text of an error for people: its message without a stack, causes appended once. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Ours says why in its own words already.
  if (error instanceof NetloomError) return error.message;
  const cause =
    error.cause instanceof Error && !error.message.includes(error.cause.message) ? `: ${error.cause.message}` : "";
  return `${error.message}${cause}`;
}
