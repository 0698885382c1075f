import { HOST, type KernelObject, type ObjectKind } from "../model/kernel.ts";

/** What tells objects of a kind apart; the specification and the observation of one object have the same key. */
export type Keyed = {
  readonly netns: { readonly name: string };
  readonly link: { readonly netns: string; readonly name: string };
  readonly sysctl: { readonly netns: string; readonly key: string };
  readonly address: { readonly netns: string; readonly dev: string; readonly address: string };
  readonly route: { readonly netns: string; readonly to: string; readonly metric?: number | null };
  readonly nft: { readonly netns: string; readonly family: string; readonly table: string };
  readonly wireguard: { readonly netns: string; readonly dev: string };
  readonly process: { readonly name: string };
};

type KeyTable = { readonly [K in ObjectKind]: (object: Keyed[K]) => string };

/** The metric that the kernel gives an IPv6 route without one (net/ipv6/route.c, IP6_RT_PRIO_USER). */
const DEFAULT_METRIC6 = 1024;

export const KEYS: KeyTable = {
  netns: (object) => object.name,
  link: (object) => `${at(object.netns)}${object.name}`,
  sysctl: (object) => `${at(object.netns)}${object.key}`,
  address: (object) => `${at(object.netns)}${object.dev} ${object.address}`,
  route: (object) =>
    `${at(object.netns)}${object.to} metric ${object.metric ?? (object.to.includes(":") ? DEFAULT_METRIC6 : 0)}`,
  nft: (object) => `${at(object.netns)}${object.family} ${object.table}`,
  wireguard: (object) => `${at(object.netns)}${object.dev}`,
  process: (object) => object.name,
};

/** The key of any object of a target. */
export function objectKey(object: KernelObject): string {
  const key = KEYS[object.kind] as (value: KernelObject) => string;
  return key(object);
}

/** "ndemo/" in a namespace, nothing in the node's own. */
function at(netns: string): string {
  return netns === HOST ? "" : `${netns}/`;
}
