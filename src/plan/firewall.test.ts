import test from "ava";
import { nftHash } from "../model/definition-hash.ts";
import { compileResourceFirewall } from "./firewall.ts";

interface NftRule {
  readonly chain: string;
  readonly expr: readonly Record<string, unknown>[];
}

/** The objects of a table in nft's own words, as far as these rules need them. */
function lines(objects: readonly unknown[]): readonly string[] {
  return objects.map((object) => {
    const { chain, rule } = object as { chain?: Record<string, unknown>; rule?: NftRule };
    if (chain !== undefined)
      return `chain ${String(chain["name"])}: hook ${String(chain["hook"])} priority ${String(chain["prio"])} policy ${String(chain["policy"])}`;
    return `${rule?.chain ?? ""}: ${(rule?.expr ?? []).map(word).join(" ")}`;
  });
}

function word(expression: Record<string, unknown>): string {
  const [name = "", value] = Object.entries(expression)[0] ?? [];
  if (name !== "match") return name;
  const { left, right } = value as { left: Record<string, { key?: string }>; right: unknown };
  const [kind = "", inner] = Object.entries(left)[0] ?? [];
  return `${kind}${inner?.key === undefined ? "" : ` ${inner.key}`} ${[right].flat().join(",")}`;
}

const CLOSED = [
  "chain input: hook input priority 0 policy accept",
  "input: ct state established,related accept",
  "input: ct state invalid drop",
  "chain forward: hook forward priority 0 policy drop",
  "forward: ct state established,related accept",
  "forward: ct state invalid drop",
];
const CLAMP = ["chain clamp: hook forward priority -150 policy accept", "clamp: & syn mangle"];

test("a resource without a mesh forwards nothing", (t) => {
  t.deepEqual(lines(compileResourceFirewall("ndemo", undefined).objects), [...CLOSED, ...CLAMP]);
});

test("a resource in a mesh forwards between members and mesh, and nothing else", (t) => {
  t.deepEqual(lines(compileResourceFirewall("ndemo", "w-demo").objects), [
    ...CLOSED,
    "forward: meta iifname private meta oifname w-demo accept",
    "forward: meta iifname w-demo meta oifname private accept",
    ...CLAMP,
  ]);
});

test("the hash tells two tables apart, and is the same wherever the table is", (t) => {
  const [open, closed] = [compileResourceFirewall("ndemo", "w-demo"), compileResourceFirewall("ndemo", undefined)];
  t.not(nftHash(open), nftHash(closed));
  t.is(nftHash(open), nftHash(compileResourceFirewall("nother", "w-demo")));
});
