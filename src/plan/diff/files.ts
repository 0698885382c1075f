import { fileHash } from "../../model/definition-hash.ts";
import type { FileSpec } from "../../model/kernel.ts";
import type { KindDiffer } from "./kind-differ.ts";

/** Mode of a file that everybody may read. */
export const FILE_MODE = 0o644;

/** A file is compared by its content and mode. One without our mark is somebody else's, and stays. */
export const fileDiffer: KindDiffer<"file"> = {
  kind: "file",
  owned: (seen) => seen.owned,
  vanishes: () => false,
  foreign: ({ path, adopt }, _context, seen) =>
    seen === undefined || seen.owned || adopt === true
      ? undefined
      : `file ${path} exists and is not Netloom's (no mark of ours in its first line)`,
  add: (spec) => [{ op: "file.set", args: spec }],
  change: (spec, seen) => (holds(spec, seen) ? [] : [{ op: "file.set", args: spec }]),
  remove: ({ path }) => [{ op: "file.del", args: { path } }],
};

function holds(spec: FileSpec, seen: { readonly hash: string | null; readonly mode: number }): boolean {
  return seen.hash === fileHash(spec) && seen.mode === (spec.mode ?? FILE_MODE);
}
