/** Ports of one bridge: BR_MAX_PORTS of net/bridge/br_private.h, number 0 is not used (FINDINGS.md 3.5). */
export const BRIDGE_PORTS_MAX = 1023;

/** What this process may have at most. */
export interface Limits {
  /** Hard limit of open files (RLIMIT_NOFILE). */
  readonly descriptors: number;
}
