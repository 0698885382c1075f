import { join } from "node:path";
import { readIfExists } from "../../lib/atomic-file.ts";

/**
 * The process of a service, as its `run` wrote it down in the service's directory, when it lives: the number may be somebody else's
 * by now.
 */
export async function livingProcess(directory: string): Promise<number | undefined> {
  const [pid = "", start = ""] = ((await readIfExists(join(directory, "pid"))) ?? "").trim().split(" ");
  if (!/^\d+$/u.test(pid) || start === "") return undefined;
  const line = (await readIfExists(`/proc/${pid}/stat`).catch(() => undefined)) ?? "";
  const [state, ...fields] = line.slice(line.lastIndexOf(") ") + 2).split(" ");
  // The 22nd field, of which these begin with the 4th (proc_pid_stat(5)); Z has ended.
  return fields[18] === start && state !== "Z" ? Number(pid) : undefined;
}
