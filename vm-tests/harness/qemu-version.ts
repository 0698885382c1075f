import { spawnSync } from "node:child_process";

let known: string | undefined;

/** What QEMU says of its version, asked once: what was measured or saved with one holds for no other. Empty when there is none. */
export function qemuVersion(): string {
  known ??= spawnSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" }).stdout ?? "";
  return known;
}
