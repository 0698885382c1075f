import { readFileSync } from "node:fs";

/** Fields of /proc/PID/stat from the third, the state, on: proc_pid_stat(5). The name before may have any character, brackets too. */
export function statFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/**
 * Seconds of the host's processors that a process has used so far; undefined when it has ended. What else the host does is not in it,
 * other than in seconds of the clock.
 */
export function processorSeconds(pid: number | undefined): number | undefined {
  // Clock ticks are 10 ms on Linux for programs, whatever the kernel's own are.
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [utime = Number.NaN, stime = Number.NaN] = statFields(stat).slice(11, 13).map(Number);
    return (utime + stime) / 100;
  } catch {
    // It has ended and is buried already.
    return undefined;
  }
}
