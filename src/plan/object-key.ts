import { HOST, TABLE_MAIN, type KernelObject, type ObjectKind, type RuleSpec } from "../model/kernel.ts";

/** What tells objects of a kind apart; the specification and the observation of one object have the same key. */
export type Keyed = {
  readonly netns: { readonly name: string };
  readonly link: { readonly netns: string; readonly name: string };
  readonly ovs: { readonly name: string };
  readonly sysctl: { readonly netns: string; readonly key: string };
  readonly address: { readonly netns: string; readonly dev: string; readonly address: string };
  readonly neighbor: {
    readonly netns: string;
    readonly dev: string;
    readonly to: string;
    readonly proxy?: boolean;
  };
  readonly fdb: {
    readonly netns: string;
    readonly dev: string;
    readonly mac: string;
    readonly remote?: string | null;
    readonly vni?: number | null;
    readonly port?: number | null;
    readonly vlan?: number | null;
  };
  readonly route: {
    readonly netns: string;
    readonly to: string;
    readonly metric?: number | null;
    readonly table?: number;
  };
  readonly rule: Omit<RuleSpec, "kind">;
  readonly nft: { readonly netns: string; readonly family: string; readonly table: string };
  readonly wireguard: { readonly netns: string; readonly dev: string };
  readonly file: { readonly path: string };
  readonly process: { readonly name: string };
};

type KeyTable = { readonly [K in ObjectKind]: (object: Keyed[K]) => string };

/** The metric that the kernel gives an IPv6 route without one (net/ipv6/route.c, IP6_RT_PRIO_USER). */
const DEFAULT_METRIC6 = 1024;

export const KEYS: KeyTable = {
  netns: (object) => object.name,
  link: (object) => `${at(object.netns)}${object.name}`,
  ovs: (object) => object.name,
  sysctl: (object) => `${at(object.netns)}${object.key}`,
  address: (object) => `${at(object.netns)}${object.dev} ${object.address}`,
  neighbor: (object) => `${at(object.netns)}${object.dev} ${object.proxy === true ? "proxy " : ""}${object.to}`,
  fdb: ({ netns, dev, mac, remote, vni, port, vlan }) =>
    `${at(netns)}${dev} ${mac}${word("vlan", vlan)}${word("dst", remote)}${word("vni", vni)}${word("port", port)}`,
  route: (object) => {
    const table = object.table === undefined || object.table === TABLE_MAIN ? "" : ` table ${object.table}`;
    return `${at(object.netns)}${object.to} metric ${object.metric ?? (object.to.includes(":") ? DEFAULT_METRIC6 : 0)}${table}`;
  },
  rule: (rule) => `${at(rule.netns)}IPv${rule.family} ${ruleText(rule)}`,
  nft: (object) => `${at(object.netns)}${object.family} ${object.table}`,
  wireguard: (object) => `${at(object.netns)}${object.dev}`,
  file: (object) => object.path,
  process: (object) => object.name,
};

/** A rule in the words of ip-rule(8), the same text for the same rule. */
export function ruleText({
  priority,
  from,
  to,
  iif,
  oif,
  fwmark,
  table,
  action = "lookup",
  suppressPrefixLength,
}: Keyed["rule"]): string {
  const mark = fwmark === undefined ? undefined : `0x${fwmark.value.toString(16)}/0x${fwmark.mask.toString(16)}`;
  const then = action === "lookup" ? ` lookup ${table ?? TABLE_MAIN}` : ` ${action}`;
  return `priority ${priority} from ${from ?? "all"}${word("to", to)}${word("fwmark", mark)}${word("iif", iif)}${word("oif", oif)}${then}${word("suppress_prefixlength", suppressPrefixLength)}`;
}

function word(name: string, value: string | number | null | undefined): string {
  return value === undefined || value === null ? "" : ` ${name} ${value}`;
}

/** The key of any object of a target. */
export function objectKey(object: KernelObject): string {
  const key = KEYS[object.kind] as (value: KernelObject) => string;
  return key(object);
}

/** What an object is called where there are several kinds: "link l-lab". */
export function objectId(object: KernelObject): string {
  return `${object.kind} ${objectKey(object)}`;
}

/** "ndemo/" in a namespace, nothing in the node's own. */
function at(netns: string): string {
  return netns === HOST ? "" : `${netns}/`;
}
