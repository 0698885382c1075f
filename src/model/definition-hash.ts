import { shortHash, valueHash } from "../lib/hash.ts";
import type { FileSpec, NftSpec, ProcessSpec } from "./kernel.ts";

/** The hash that a table of ours carries in its comment. */
export function nftHash({ family, table, objects }: NftSpec): string {
  return valueHash({ family, table, objects });
}

/** The hash that a service of ours carries in its directory. */
export function processHash({ name, netns, argv, env, files, needs }: ProcessSpec): string {
  return valueHash({ name, netns, argv, env, files, needs });
}

/** The hash of what a file of ours holds below its mark. */
export function fileHash({ content }: Pick<FileSpec, "content">): string {
  return shortHash(content);
}
