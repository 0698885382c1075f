import { rm } from "node:fs/promises";
import { asRoot, isRoot } from "./privilege.ts";
import { run } from "./process.ts";

/** Gives what root made for us back to the user who runs this. */
export async function handBack(...paths: readonly string[]): Promise<void> {
  if (isRoot()) return;
  const owner = `${process.getuid?.()}:${process.getgid?.()}`;
  await run(asRoot(["chown", "-hR", owner, ...paths]));
}

/** Removes a tree, also one of root's; never crosses into a file system that is mounted in it. */
export async function removeTree(path: string): Promise<void> {
  try {
    if (!isRoot()) return await rm(path, { recursive: true, force: true });
  } catch {
    // Made by root: fall through to the one command that can.
  }
  await run(asRoot(["rm", "-rf", "--one-file-system", path]));
}
