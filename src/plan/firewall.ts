import { OWNER, type NftSpec } from "../model/kernel.ts";

const FAMILY = "inet";
const TABLE = OWNER.nftTable;

interface BaseChain {
  readonly name: string;
  readonly hook: "input" | "forward";
  readonly priority: number;
  readonly policy: "accept" | "drop";
}

/** Priorities of the standard chains (nft(8)). */
const PRIORITY = { mangle: -150, filter: 0 } as const;

const established = [match({ ct: { key: "state" } }, ["established", "related"]), { accept: null }];
const invalid = [match({ ct: { key: "state" } }, ["invalid"]), { drop: null }];

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
    chain({ name: "input", hook: "input", priority: PRIORITY.filter, policy: "accept" }),
    rule("input", established),
    rule("input", invalid),
    chain({ name: "forward", hook: "forward", priority: PRIORITY.filter, policy: "drop" }),
    rule("forward", established),
    rule("forward", invalid),
    ...pairs.map(([from, to]) =>
      rule("forward", [
        match({ meta: { key: "iifname" } }, from),
        match({ meta: { key: "oifname" } }, to),
        { accept: null },
      ]),
    ),
    chain({ name: "clamp", hook: "forward", priority: PRIORITY.mangle, policy: "accept" }),
    rule("clamp", [
      match({ "&": [{ payload: { protocol: "tcp", field: "flags" } }, ["syn", "rst"]] }, "syn"),
      { mangle: { key: { "tcp option": { name: "maxseg", field: "size" } }, value: { rt: { key: "mtu" } } } },
    ]),
  ];
  return { kind: "nft", netns, family: FAMILY, table: TABLE, objects };
}

function chain({ hook, priority, ...rest }: BaseChain): unknown {
  return { chain: { family: FAMILY, table: TABLE, type: "filter", hook, prio: priority, ...rest } };
}

function rule(chainName: string, expr: readonly unknown[]): unknown {
  return { rule: { family: FAMILY, table: TABLE, chain: chainName, expr } };
}

function match(left: unknown, right: unknown): unknown {
  const set = Array.isArray(right);
  return { match: { op: set ? "in" : "==", left, right: set && right.length === 1 ? right[0] : right } };
}
