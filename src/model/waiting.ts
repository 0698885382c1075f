/** Something that was set up and is not known to work yet: a lease, a handshake. */
export interface Waiting {
  /** Whose it is: "NetworkResource demo". */
  readonly document: string;
  /** What is waited for: "a handshake with …". */
  readonly for: string;
  readonly seconds: number;
  /** Seconds within which it is expected. */
  readonly deadline: number;
  readonly overdue: boolean;
}
