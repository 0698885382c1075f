import { OWNER, type NftSpec } from "../model/kernel.ts";
import { established, FAMILY, invalid, match, nftObjects, PRIORITY } from "./nft-objects.ts";

const TABLE = OWNER.nftTable;
const { baseChain, rule } = nftObjects(TABLE);

/**
 * The rules inside a resource's namespace: members and the mesh may talk to each other, nothing else is forwarded.
 * TCP segments are clamped to the path, because the mesh carries less than the members' 1500 bytes.
 */
export function compileResourceFirewall(netns: string, wireguard: string | undefined): NftSpec {
  const pairs =
    wireguard === undefined
      ? []
      : [
          ["private", wireguard],
          [wireguard, "private"],
        ];
  const objects = [
    baseChain({ name: "input", hook: "input", priority: PRIORITY.filter, policy: "accept" }),
    rule("input", established),
    rule("input", invalid),
    baseChain({ name: "forward", hook: "forward", priority: PRIORITY.filter, policy: "drop" }),
    rule("forward", established),
    rule("forward", invalid),
    ...pairs.map(([from, to]) =>
      rule("forward", [
        match({ meta: { key: "iifname" } }, from),
        match({ meta: { key: "oifname" } }, to),
        { accept: null },
      ]),
    ),
    baseChain({ name: "clamp", hook: "forward", priority: PRIORITY.mangle, policy: "accept" }),
    rule("clamp", [
      match({ "&": [{ payload: { protocol: "tcp", field: "flags" } }, ["syn", "rst"]] }, "syn"),
      { mangle: { key: { "tcp option": { name: "maxseg", field: "size" } }, value: { rt: { key: "mtu" } } } },
    ]),
  ];
  return { kind: "nft", netns, family: FAMILY, table: TABLE, objects };
}
