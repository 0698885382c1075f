/** One check of connectivity and how it came out just now. */
export interface CheckResult {
  /** The same text before and after a change: "IPv4 gateway". */
  readonly name: string;
  readonly passed: boolean;
  /** "192.168.50.1 by up0 answers" */
  readonly detail: string;
}

/** A change that could cut the node off, and what became of it. */
export interface GuardReport {
  /** "apply Lan lab" */
  readonly change: string;
  /** `waiting`: neither confirmed nor reverted yet. */
  readonly state: "waiting" | "confirmed" | "reverted";
  /** The links by which the node was reached, and which the change touched. */
  readonly uplinks: readonly string[];
  /** Checks that passed before the change, and have to pass after it. */
  readonly checks: readonly string[];
  /** Seconds until it is reverted; 0 when that is decided. */
  readonly secondsLeft: number;
  /** What a person should know: which check fails, who confirmed. */
  readonly message: string;
}
