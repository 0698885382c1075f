import * as v from "valibot";
import { checkValue, type SchemaIssue } from "../lib/schema-check.ts";
import type { Document, Kind } from "./document.ts";
import { NodeSchema } from "./node-schema.ts";
import {
  Address,
  Address4,
  ApiVersion,
  Endpoint,
  list,
  Name,
  Network,
  Network4,
  Network6,
  NicPattern,
  Port,
  PrivateNetwork,
  WireguardKey,
} from "./fields.ts";

const Flag = v.boolean("is neither true nor false");

const LanSchema = v.strictObject({
  apiVersion: ApiVersion,
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
  apiVersion: ApiVersion,
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

/** Checks a value against the schema of its kind; all issues are found at once. */
export function checkDocument(
  kind: Kind,
  value: unknown,
): { readonly document: Document } | { readonly issues: readonly SchemaIssue[] } {
  const checked = checkValue<Document>(SCHEMAS[kind], value);
  return "output" in checked ? { document: checked.output } : checked;
}
