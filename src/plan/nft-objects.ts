import type { NftSpec } from "../model/kernel.ts";

/** Objects of libnftables-json(5) for one table. */
export interface NftObjects {
  readonly baseChain: (chain: BaseChain) => unknown;
  /** One that others jump to. */
  readonly chain: (name: string) => unknown;
  readonly rule: (chain: string, expr: readonly unknown[]) => unknown;
}

interface BaseChain {
  readonly name: string;
  readonly hook: "input" | "forward";
  readonly priority: number;
  readonly policy: "accept" | "drop";
}

/** Priorities of the standard chains (nft(8)). */
export const PRIORITY = { mangle: -150, filter: 0 } as const;

/** The family of our tables: IPv4 and IPv6 together. */
export const FAMILY: NftSpec["family"] = "inet";

export function nftObjects(table: string): NftObjects {
  const place = { family: FAMILY, table };
  return {
    baseChain: ({ hook, priority, ...rest }) => ({
      chain: { ...place, type: "filter", hook, prio: priority, ...rest },
    }),
    chain: (name) => ({ chain: { ...place, name } }),
    rule: (chain, expr) => ({ rule: { ...place, chain, expr } }),
  };
}

/** `left` is `right`, or one of several. */
export function match(left: unknown, right: unknown): unknown {
  const set = Array.isArray(right);
  return { match: { op: set ? "in" : "==", left, right: set && right.length === 1 ? right[0] : right } };
}

/** What belongs to a connection that was let in, or that began here; and what belongs to none although it should. */
export const established: readonly unknown[] = [
  match({ ct: { key: "state" } }, ["established", "related"]),
  { accept: null },
];
export const invalid: readonly unknown[] = [match({ ct: { key: "state" } }, ["invalid"]), { drop: null }];
