import { spawn } from "node:child_process";

/**
 * Starts this program again with other words, as a process that nobody waits for and that outlives us. It has our namespaces,
 * and nothing else of ours: no descriptor, no environment.
 */
export function startDetached(words: readonly string[]): void {
  const [, script = ""] = process.argv;
  // The compiled binary is its own script, under a name in Bun's virtual file system.
  const own = script.startsWith("/$bunfs/") ? [] : [script];
  const child = spawn(process.execPath, [...own, ...words], {
    detached: true,
    stdio: "ignore",
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  // The deadline holds without it as long as this daemon, or a next one, lives.
  child.on("error", () => undefined);
  child.unref();
}
