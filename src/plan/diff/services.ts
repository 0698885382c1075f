import { nftHash, processHash } from "../../model/definition-hash.ts";
import type { KindDiffer } from "./kind-differ.ts";

/** A table of ours is compared by the hash in its comment, and loaded again when someone else touched the ruleset. */
export const nftDiffer: KindDiffer<"nft"> = {
  kind: "nft",
  // Only tables with our name are observed.
  owned: () => true,
  vanishes: (seen, context) => context.netnsVanishes(seen.netns),
  foreign: (spec, context) => context.foreign(spec.netns),
  add: (spec) => [{ op: "nft.load", args: spec }],
  change: (spec, seen) => (nftHash(spec) === seen.hash && !seen.touched ? [] : [{ op: "nft.load", args: spec }]),
  remove: ({ netns, family, table }) => [{ op: "nft.del", args: { netns, family, table } }],
};

/** A process is compared by the hash of its definition: program, arguments, environment and files. */
export const processDiffer: KindDiffer<"process"> = {
  kind: "process",
  // Only services of ours are observed.
  owned: () => true,
  vanishes: () => false,
  add: (spec) => [{ op: "process.set", args: spec }],
  change: (spec, seen) => (processHash(spec) === seen.hash ? [] : [{ op: "process.set", args: spec }]),
  remove: ({ name }) => [{ op: "process.del", args: { name } }],
};
