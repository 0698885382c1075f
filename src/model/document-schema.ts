import * as v from "valibot";
import { API_VERSION, type Document, type Kind } from "./document.ts";
import {
  Address,
  Address4,
  Endpoint,
  Hostname,
  Name,
  Network,
  Network4,
  Network6,
  NicPattern,
  Port,
  PrivateNetwork,
  WireguardKey,
} from "./fields.ts";

const apiVersion = v.literal(API_VERSION, `is not ${API_VERSION}, the only version this program knows`);
const Flag = v.boolean("is neither true nor false");
const list = <T extends v.GenericSchema>(item: T): v.ArraySchema<T, string> => v.array(item, "is no list");

const NodeSchema = v.strictObject({
  apiVersion,
  kind: v.literal("Node"),
  name: v.optional(Name, "node"),
  hostname: v.exactOptional(Hostname),
  uplink: v.optional(
    v.strictObject({
      mode: v.optional(v.picklist(["dhcp4", "none"], "is neither dhcp4 nor none"), "dhcp4"),
      nics: v.exactOptional(list(NicPattern)),
      ignore: v.optional(list(NicPattern), []),
    }),
    { mode: "dhcp4", ignore: [] },
  ),
  ntp: v.optional(list(v.union([Address, Hostname], "is neither an address nor a host name")), []),
  ntpServe: v.optional(list(Network), []),
});

const LanSchema = v.strictObject({
  apiVersion,
  kind: v.literal("Lan"),
  name: Name,
  type: v.optional(v.literal("bridge", "is not bridge, the only LAN type so far"), "bridge"),
  backend: v.optional(v.literal("linux", "is not linux, the only backend so far"), "linux"),
  cidr: Network4,
  gateway: v.exactOptional(Address4),
  ipv6: v.exactOptional(v.strictObject({ cidr: Network6, dhcp: v.optional(Flag, true) })),
  dhcp: v.optional(Flag, false),
  dns: v.exactOptional(list(Address)),
  ntp: v.optional(list(Address4), []),
  nics: v.optional(list(NicPattern), []),
});

const PeerSchema = v.strictObject({
  publicKey: WireguardKey,
  endpoint: v.exactOptional(Endpoint),
  allowedIps: v.pipe(
    list(Network),
    v.minLength(1, "is empty: a peer without allowed IPs can neither send nor receive"),
  ),
  keepalive: v.optional(
    v.pipe(
      v.number("is no number"),
      v.integer("is no whole number"),
      v.minValue(0, "is below 0"),
      v.maxValue(65_535, "is above 65535"),
    ),
    20,
  ),
});

const NetworkResourceSchema = v.strictObject({
  apiVersion,
  kind: v.literal("NetworkResource"),
  name: Name,
  subnet: v.pipe(Network4, v.endsWith("/24", "is not a /24")),
  range: v.pipe(PrivateNetwork, v.endsWith("/16", "is not a /16")),
  wireguard: v.exactOptional(
    v.strictObject({
      privateKey: v.exactOptional(WireguardKey),
      listenPort: Port,
      peers: v.optional(list(PeerSchema), []),
    }),
  ),
});

const SCHEMAS: { readonly [K in Kind]: v.GenericSchema<unknown, Extract<Document, { kind: K }>> } = {
  Node: NodeSchema,
  Lan: LanSchema,
  NetworkResource: NetworkResourceSchema,
};

/** One thing wrong with a value, and where: the path of keys and list positions to it. */
export interface SchemaIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Set when the path ends in a key that the schema does not have: the keys that it does have. */
  readonly knownKeys?: readonly string[];
}

/** Checks a value against the schema of its kind; all issues are found at once. */
export function checkDocument(
  kind: Kind,
  value: unknown,
): { readonly document: Document } | { readonly issues: readonly SchemaIssue[] } {
  const schema = SCHEMAS[kind];
  const result = v.safeParse(schema, value);
  if (result.success) return { document: result.output };
  // Valibot stops at the first unknown key of an object; the walk below finds them all.
  const others = result.issues.filter((issue) => issue.expected !== "never");
  return { issues: [...others.map((issue) => toIssue(issue)), ...unknownKeys(schema, value, [])] };
}

function toIssue(issue: v.BaseIssue<unknown>): SchemaIssue {
  const path = (issue.path ?? []).map((item) => (typeof item.key === "number" ? item.key : String(item.key)));
  if (issue.type !== "strict_object") return { path, message: issue.message };
  return { path, message: issue.received === "undefined" ? "is missing" : "is no mapping of keys to values" };
}

function unknownKeys(schema: unknown, value: unknown, path: readonly (string | number)[]): readonly SchemaIssue[] {
  const shape = unwrap(schema);
  if (Array.isArray(value) && "item" in shape) {
    return value.flatMap((member, index) => unknownKeys(shape.item, member, [...path, index]));
  }
  if (typeof value !== "object" || value === null || !("entries" in shape)) return [];
  const entries = shape.entries as Readonly<Record<string, unknown>>;
  return Object.entries(value).flatMap(([key, member]) => {
    const at = [...path, key];
    if (Object.hasOwn(entries, key)) return unknownKeys(entries[key], member, at);
    return [{ path: at, message: "is not a known key", knownKeys: Object.keys(entries) }];
  });
}

/** Valibot keeps the schema behind `optional` in `wrapped`, list items in `item`, members in `entries`. */
function unwrap(schema: unknown): object {
  if (typeof schema !== "object" || schema === null) return {};
  return "wrapped" in schema ? unwrap(schema.wrapped) : schema;
}
