import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "./cache-root.ts";

/**
 * Runs `work` while holding the named lock, across processes. The kernel frees it when this process ends, however it
 * ends: flock(1) is held by a child that reads a pipe from us. Node itself has no flock(2).
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const dir = join(cacheRoot(), "locks");
  await mkdir(dir, { recursive: true });
  const file = join(dir, createHash("sha256").update(name).digest("hex").slice(0, 24));
  const holder = spawn("flock", [file, "sh", "-c", "echo locked; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl-C on the terminal must not free the lock while we still clean up.
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("error", (cause) =>
      reject(new Error("cannot lock the cache: flock (util-linux) is needed", { cause })),
    );
    holder.once("exit", (code) => reject(new Error(`cannot lock ${file}: flock ended with ${code}`)));
  });
  try {
    return await work();
  } finally {
    const ended = once(holder, "close");
    holder.stdin.end();
    await ended;
  }
}
