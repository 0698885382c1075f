import { readFile, readdir } from "node:fs/promises";

/** A process of this machine: its arguments with NUL between them, and /proc/PID/status (proc_pid_status(5)). */
export type RunningProcess = { readonly pid: number; readonly command: string; readonly status: string };

/** All processes; what ends meanwhile has empty texts. */
export async function allProcesses(): Promise<readonly RunningProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name)).map(Number);
  const read = async (pid: number, name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "");
  return Promise.all(
    pids.map(async (pid) => ({ pid, command: await read(pid, "cmdline"), status: await read(pid, "status") })),
  );
}

/** Command lines of the processes that were told a directory. */
export async function processesOf(directory: string): Promise<readonly string[]> {
  return (await allProcesses()).map(({ command }) => command).filter((command) => command.includes(directory));
}
