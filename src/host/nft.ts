import type { NftSpec } from "../model/kernel.ts";
import { exec, inNetns } from "./exec.ts";

/** Prefix of the comment by which a table of ours carries the hash of its content. */
const COMMENT = "netloom ";

/** Loads a table whole in one transaction of libnftables-json(5): readers see the old or the new one. */
export async function loadTable(spec: NftSpec, hash: string): Promise<void> {
  const id = { family: spec.family, name: spec.table };
  const commands = [
    // Deleting a table that is not there is an error, so it is declared first.
    { add: { table: id } },
    { delete: { table: id } },
    { add: { table: { ...id, comment: `${COMMENT}${hash}` } } },
    ...spec.objects.map((object) => ({ add: object })),
  ];
  await nft(spec.netns, commands);
}

export async function deleteTable(netns: string, family: string, table: string): Promise<void> {
  const id = { family, name: table };
  await nft(netns, [{ add: { table: id } }, { delete: { table: id } }]);
}

/** The content hash in a table's comment, or null when the comment is not ours. */
export function hashInComment(comment: string | null): string | null {
  return comment?.startsWith(COMMENT) === true ? comment.slice(COMMENT.length) : null;
}

async function nft(netns: string, commands: readonly unknown[]): Promise<void> {
  await exec(inNetns(netns, ["nft", "-j", "-f", "-"]), JSON.stringify({ nftables: commands }));
}
