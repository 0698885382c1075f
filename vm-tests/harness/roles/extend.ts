import type { NodeSpec } from "../topology.ts";

/** What a role adds to a node. */
export type Addition = Pick<NodeSpec, "cmdline" | "files" | "boot" | "agent">;

/** A node with what its role adds; of a file that both have, and of the way to boot, the node's own holds. */
export function extend(own: NodeSpec, { cmdline, files, ...rest }: Addition): NodeSpec {
  const words = [cmdline, own.cmdline].filter((text) => text !== undefined).join(" ");
  return {
    ...rest,
    ...own,
    ...(words === "" ? {} : { cmdline: words }),
    ...(files === undefined ? {} : { files: { ...files, ...own.files } }),
  };
}
