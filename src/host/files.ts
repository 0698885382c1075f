import { readdirSync, readFileSync, statSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { removeSynced, writeFileAtomic } from "../lib/atomic-file.ts";
import { errorCode, isGone } from "../lib/errors.ts";
import { shortHash } from "../lib/hash.ts";
import type { ActualFile } from "../model/actual.ts";
import { fileHash } from "../model/definition-hash.ts";
import type { FileSpec, Target } from "../model/kernel.ts";

/** Where files of a namespace are, in a directory of its name: programs in the namespace see them in /etc (ip-netns(8)). */
const NETNS_FILES = "/etc/netns";
const RESOLVER = "resolv.conf";
/** The node's own. */
export const NODE_RESOLVER = "/etc/resolv.conf";

/** The first line of this daemon's files. `root` tells daemons of one machine apart, whatever their namespaces. */
export function fileMark(root: string): string {
  return `# Netloom ${shortHash(root, 8)} writes this file: changes here are lost.\n`;
}

/**
 * The files that the target names, and those of ours that it does not. Every look asks, so it asks without leaving the thread:
 * these files are small, and the way to another thread and back costs more than they do.
 */
export function observeFiles(mark: string, target: Target): readonly ActualFile[] {
  const wanted = target.flatMap((object) => (object.kind === "file" ? [object.path] : []));
  return [...new Set([...usualPlaces(), ...wanted])].flatMap((path) => observeFile(mark, path));
}

/** Where files of ours may be, the node's and each namespace's: a mark in the file needs no list that a crash could damage. */
function usualPlaces(): readonly string[] {
  return [NODE_RESOLVER, ...namesIn(NETNS_FILES).map((name) => join(NETNS_FILES, name, RESOLVER))];
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** A file as it is. One that cannot be read is there, and not ours. */
function observeFile(mark: string, path: string): readonly ActualFile[] {
  try {
    const text = readFileSync(path, "utf8");
    const owned = text.startsWith(mark);
    const hash = owned ? fileHash({ content: text.slice(mark.length) }) : null;
    return [{ path, hash, mode: statSync(path).mode & 0o7777, owned }];
  } catch (error) {
    if (isGone(error) || errorCode(error) === "ENOTDIR") return [];
    return [{ path, hash: null, mode: 0, owned: false }];
  }
}

/** Replaces the file whole, its mark with it. */
export async function setFile(mark: string, { path, content, mode }: FileSpec): Promise<void> {
  await writeFileAtomic(path, mark + content, mode);
}

/** Removes a file of ours, and the directory of a namespace that has nothing else in it. */
export async function removeFile(mark: string, path: string): Promise<void> {
  if (!observeFile(mark, path).some(({ owned }) => owned)) return;
  await removeSynced(path);
  const directory = dirname(path);
  if (dirname(directory) !== NETNS_FILES) return;
  await rmdir(directory).catch((error: unknown) => {
    if (!isGone(error) && errorCode(error) !== "ENOTEMPTY") throw error;
  });
}
