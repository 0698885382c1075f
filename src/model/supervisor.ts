/** What can keep processes alive: s6-svscan(8), zinit 0.3 (JSON-RPC), zinit up to 0.2.14 (lines), or the daemon itself. */
export const SUPERVISORS = ["s6", "zinit", "zinit-line", "direct"] as const;

export type SupervisorKind = (typeof SUPERVISORS)[number];

/** Who keeps the node's processes alive. */
export interface SupervisorFacts {
  readonly kind: SupervisorKind;
  /** What is wrong with the supervisor itself, in a sentence each. */
  readonly problems: readonly string[];
}
