import pino from "pino";

/** The daemon's logger: JSON lines. */
export type Log = pino.Logger;

/**
 * Synchronous by need: pino's worker transports end a compiled binary (FINDINGS.md 2.3).
 * Secrets are kept out by the `Secret` type, not by redaction.
 */
export function createLog(level: string = "info"): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 1, sync: true }));
}
