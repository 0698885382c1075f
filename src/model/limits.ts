/** What this process may have at most. */
export interface Limits {
  /** Hard limit of open files (RLIMIT_NOFILE). */
  readonly descriptors: number;
}
