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
