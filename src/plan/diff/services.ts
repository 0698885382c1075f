import { nftHash, processHash } from "../../model/definition-hash.ts";
import { KEYS } from "../object-key.ts";
import type { KindDiffer } from "./kind-differ.ts";

/** A table of ours is compared by the hash in its comment, and loaded again when someone else touched the ruleset. */
export const nftDiffer: KindDiffer<"nft"> = {
  kind: "nft",
  // Only tables with our name are observed, and each that we load carries its hash from the start.
  owned: (seen) => seen.hash !== null,
  vanishes: (seen, context) => context.netnsVanishes(seen.netns),
  foreign: (spec, context, seen) =>
    context.foreign(spec.netns) ??
    (seen?.hash === null ? `nft table ${KEYS.nft(spec)} exists and is not Netloom's` : undefined),
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
  remove: ({ name }, { wanted }) => {
    const keep = (wanted.process ?? []).flatMap(({ files, writes, lease }) => [
      ...files.map(({ path }) => path),
      ...writes,
      ...(lease === undefined ? [] : [lease.file]),
    ]);
    return [{ op: "process.del", args: { name, ...(keep.length === 0 ? {} : { keep: [...new Set(keep)] }) } }];
  },
};
