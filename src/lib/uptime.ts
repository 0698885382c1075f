import { readFileSync } from "node:fs";

/**
 * Seconds since the kernel started, to the hundredth (proc_uptime(5)). Not `os.uptime()`, which Bun rounds to whole
 * seconds. Time that is counted so does not jump when the clock is set.
 */
export function uptime(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ", 1)[0]);
}

/** Tells this boot of the kernel from every other: what counts in `uptime` holds in one boot only. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
