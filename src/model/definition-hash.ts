import { valueHash } from "../lib/hash.ts";
import type { NftSpec, ProcessSpec } from "./kernel.ts";

/** The hash that a table of ours carries in its comment. */
export function nftHash({ family, table, objects }: NftSpec): string {
  return valueHash({ family, table, objects });
}

/** The hash that a service of ours carries in its directory. */
export function processHash({ name, netns, argv, env, files }: ProcessSpec): string {
  return valueHash({ name, netns, argv, env, files });
}
