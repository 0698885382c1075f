import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { until } from "../../lib/async.ts";
import { readIfExists, writeFileAtomic } from "../../lib/atomic-file.ts";
import { isGone } from "../../lib/errors.ts";
import { releasing, type ProcessLease } from "../../model/kernel.ts";
import { exists } from "./directories.ts";
import { livingProcess } from "./living-process.ts";

/** In the directory of a service that gives its lease back: started again, it rests. */
export const LEAVING = "leaving";
/** In the directory of a service: its lease, where it has one. */
const LEASE = "lease";
/** How long a client may take. It asks nobody: a DHCPRELEASE is not answered (RFC 2131, 4.4.6), and dhcpcd does not wait for a reply. */
const PATIENCE_MS = 2000;

/** Writes down what a service holds, so that a removal finds it although the document is gone by then. */
export async function keepLease(directory: string, lease: ProcessLease | undefined): Promise<void> {
  const lines = lease === undefined ? [] : [lease.file, lease.release ?? ""];
  await writeFileAtomic(join(directory, LEASE), lines.map((line) => `${line}\n`).join(""));
  await rm(join(directory, LEAVING), { force: true });
}

/**
 * Has a service that goes for good give its lease back, unless somebody else goes on with the file (it is among those to `keep`). The
 * lease ceases to be one before the server hears of it, and whatever interrupts this, the next attempt goes on: at worst the server is
 * told twice.
 * @returns files to remove when the service has ended: a client that takes longer than we wait may still report what it gave back.
 */
export async function giveBack(directory: string, keep: readonly string[]): Promise<readonly string[]> {
  const [file = "", signal = ""] = ((await readIfExists(join(directory, LEASE))) ?? "").split("\n");
  if (!isSignal(signal) || keep.includes(file)) return [];
  await writeFile(join(directory, LEAVING), "");
  await rename(file, releasing(file)).catch(async (error: unknown) => {
    if (!isGone(error)) throw error;
    // What is not written down yet may have been given all the same.
    await mkdir(dirname(file), { recursive: true });
    await writeFile(releasing(file), "");
  });
  const pid = await livingProcess(directory);
  if (pid !== undefined && tell(pid, signal))
    await until(
      async () => {
        const done = !(await exists(releasing(file))) || (await livingProcess(directory)) !== pid;
        return done ? true : undefined;
      },
      { timeoutMs: PATIENCE_MS, intervalMs: 10 },
    );
  return [file, releasing(file)];
}

function isSignal(word: string): word is NonNullable<ProcessLease["release"]> {
  return word === "SIGUSR2" || word === "SIGALRM";
}

/** False when the process ended meanwhile. */
function tell(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
