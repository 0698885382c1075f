import { errorCode } from "../lib/errors.ts";
import type { NftSpec } from "../model/kernel.ts";
import type { Netlink } from "./addon.ts";
import type { NftContent } from "./netlink-types.ts";
import { exec, inNetns } from "./exec.ts";

/** Prefix of the comment by which a table of ours carries the hash of its content. */
const COMMENT = "netloom ";

/**
 * Puts a table in the place of the one of that name, in one transaction: readers see the old or the new one.
 * It goes by `netlink`, and `nft` is executed only for what the addon does not know.
 * @returns what it made
 */
export async function loadTable(netlink: Netlink, spec: NftSpec, hash: string): Promise<NftContent> {
  const { family, table, objects } = spec;
  const comment = `${COMMENT}${hash}`;
  try {
    return await netlink.nftLoad({ family, table, comment, objects });
  } catch (error) {
    if (errorCode(error) !== "EOPNOTSUPP") throw error;
  }
  await execNft(spec, comment);
  return await netlink.nftContent(family, table);
}

/** The content hash in a table's comment, or null when the comment is not ours. */
export function hashInComment(comment: string | null): string | null {
  return comment?.startsWith(COMMENT) === true ? comment.slice(COMMENT.length) : null;
}

async function execNft({ netns, family, table, objects }: NftSpec, comment: string): Promise<void> {
  const id = { family, name: table };
  const commands = [
    // Deleting a table that is not there is an error, so it is declared first.
    { add: { table: id } },
    { delete: { table: id } },
    { add: { table: { ...id, comment } } },
    ...objects.map((object) => ({ add: object })),
  ];
  await exec(inNetns(netns, ["nft", "-j", "-f", "-"]), JSON.stringify({ nftables: commands }));
}
