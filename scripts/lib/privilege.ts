import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program in PATH or in the system's administrator directories, which a user's PATH often lacks. */
export function findProgram(name: string): string | undefined {
  const path = (process.env["PATH"] ?? "").split(delimiter);
  for (const dir of [...path, "/usr/sbin", "/usr/bin", "/sbin", "/bin"]) {
    const file = join(dir, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here; the next directory may have it.
    }
  }
  return undefined;
}

/** True when this process may do what only root may. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The command that runs `argv` as root: itself when we are root, else through sudo. @throws when there is no sudo. */
export function asRoot(argv: readonly string[]): string[] {
  if (isRoot()) return [...argv];
  const sudo = findProgram("sudo");
  if (sudo === undefined) throw new Error(`root is needed for ${argv[0]}: run as root, or install sudo`);
  return [sudo, "--", ...argv];
}

/**
 * Has sudo ask for its password now, if it needs one: later several steps run side by side and each would ask.
 * @throws when there is no sudo, or it does not let this user be root.
 */
export function askForRoot(): void {
  if (isRoot()) return;
  const [sudo = ""] = asRoot([]);
  if (spawnSync(sudo, ["-n", "true"], { stdio: "ignore" }).status === 0) return;
  process.stdout.write("netloom: setup        root is needed for the toolbox: sudo asks for your password\n");
  if (spawnSync(sudo, ["-v"], { stdio: "inherit" }).status !== 0)
    throw new Error("root is needed, and sudo refused it");
}
