import { setTimeout as delay } from "node:timers/promises";
import { isServed } from "./api/http.ts";
import type { DaemonArguments } from "./cli/daemon-options.ts";
import { runDaemon } from "./daemon.ts";
import { readCheckpoint } from "./engine/checkpoint.ts";
import { errorCode } from "./lib/errors.ts";
import { bootId, uptime } from "./lib/uptime.ts";

const LOOK_MS = 1000;
/** A living daemon is at it already by then, and has the socket. */
const GRACE_SECONDS = 2;

/**
 * Waits beside a change to the uplink until it is decided. When its deadline has passed and no daemon is there to revert it, it
 * is the daemon for one pass: that is where an overdue checkpoint is judged. The daemon's socket keeps the two apart.
 */
export async function runGuard(options: DaemonArguments, signal: AbortSignal): Promise<void> {
  for (;;) {
    const checkpoint = await readCheckpoint(options.root).catch(() => undefined);
    if (checkpoint === undefined || checkpoint.bootId !== bootId() || signal.aborted) return;
    if (uptime() >= checkpoint.deadline + GRACE_SECONDS && !(await isServed(options.socket))) break;
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  await runDaemon(options, signal, { once: true }).catch((error: unknown) => {
    if (errorCode(error) !== "refused") throw error;
  });
}
