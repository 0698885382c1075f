import * as v from "valibot";
import { checkValue, issueText } from "../lib/schema-check.ts";
import type { NodeDocument } from "./document.ts";
import type { Facts, NicFact } from "./facts.ts";
import { Address, InterfaceAddress, LinkName, list, Network } from "./fields.ts";
import { NodeSchema } from "./node-schema.ts";

/** What `netloom status --facts` prints and `netloom boot-plan --facts` takes: everything that the choice of the uplink depends on. */
export interface FactsFile {
  readonly nics: readonly NicFact[];
  /** Seconds since the kernel started; left out, every probe has had its time. */
  readonly now?: number;
  /** The NIC chosen before in this boot, and when it was found to lack something. */
  readonly uplink?: string;
  readonly uplinkLost?: number;
  /** The NIC chosen in the boot before. */
  readonly lastUplink?: string;
  /** The `Node` document that holds beside the command line. */
  readonly node?: NodeDocument;
}

const Text = v.string("is no text");
const Seconds = v.number("is no number of seconds");
const Mac = v.pipe(
  v.string("is no text: quote it"),
  v.regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/iu, "is not a MAC address"),
  v.toLowerCase(),
);
const Count = v.pipe(v.number("is no number"), v.integer("is no whole number"), v.minValue(0, "is below 0"));

const Check = v.strictObject({
  name: Text,
  passed: v.boolean("is neither true nor false"),
  detail: v.optional(Text, ""),
});
const Lifetimes = { preferredUntil: Seconds, validUntil: Seconds };
/** A lease is for ever unless it says otherwise. */
const NEVER = Number.MAX_SAFE_INTEGER;

const Lease4 = v.strictObject({
  nic: v.optional(Text, ""),
  address: InterfaceAddress,
  router: v.exactOptional(Address),
  routes: v.exactOptional(list(v.strictObject({ to: Network, via: v.exactOptional(Address) }))),
  server: v.exactOptional(Text),
  dns: v.optional(list(Address), []),
  ntp: v.optional(list(Text), []),
  search: v.exactOptional(list(Text)),
  hostname: v.exactOptional(Text),
  mtu: v.exactOptional(Count),
  carrierUps: v.exactOptional(Count),
  obtainedAt: v.optional(Seconds, 0),
  expiresAt: v.optional(Seconds, NEVER),
});

const Lease6 = v.strictObject({
  nic: v.optional(Text, ""),
  addresses: v.optional(list(v.strictObject({ address: InterfaceAddress, ...Lifetimes })), []),
  prefixes: v.optional(list(v.strictObject({ prefix: Network, ...Lifetimes })), []),
  server: v.exactOptional(Text),
  dns: v.optional(list(Address), []),
  ntp: v.optional(list(Text), []),
  search: v.optional(list(Text), []),
  carrierUps: v.exactOptional(Count),
  obtainedAt: v.optional(Seconds, 0),
  doubtedUntil: v.exactOptional(Seconds),
});

const Router = v.strictObject({
  managed: v.optional(v.boolean("is neither true nor false"), false),
  other: v.optional(v.boolean("is neither true nor false"), false),
  router: v.exactOptional(Address),
  addresses: v.optional(list(InterfaceAddress), []),
  dns: v.optional(list(Address), []),
  search: v.optional(list(Text), []),
  expiresAt: v.exactOptional(Seconds),
});

const Probe = v.strictObject({
  since: v.optional(Seconds, 0),
  lease4: v.exactOptional(Lease4),
  lease6: v.exactOptional(Lease6),
  ra: v.exactOptional(Router),
  gateway4: v.exactOptional(Check),
  gateway6: v.exactOptional(Check),
  checks: v.exactOptional(list(Check)),
  answeredAt: v.exactOptional(Seconds),
  overSince: v.exactOptional(Seconds),
  placed: v.exactOptional(InterfaceAddress),
});

const Nic = v.strictObject({
  name: LinkName,
  mac: Mac,
  permanentMac: v.exactOptional(Mac),
  physical: v.optional(v.boolean("is neither true nor false"), true),
  carrier: v.boolean("is neither true nor false"),
  carrierUps: v.exactOptional(Count),
  device: v.exactOptional(Text),
  driver: v.exactOptional(Text),
  pci: v.exactOptional(Text),
  speed: v.exactOptional(Count),
  maxMtu: v.exactOptional(Count),
  made: v.exactOptional(v.picklist(["bond", "vlan", "bridge"], "is none of bond, vlan, bridge")),
  foreign: v.exactOptional(Text),
  probe: v.exactOptional(Probe),
});

const Schema: v.GenericSchema<unknown, FactsFile> = v.strictObject({
  nics: list(Nic),
  now: v.exactOptional(Seconds),
  uplink: v.exactOptional(LinkName),
  uplinkLost: v.exactOptional(Seconds),
  lastUplink: v.exactOptional(LinkName),
  node: v.exactOptional(NodeSchema),
});

/** Reads a facts file strictly. @returns all that is wrong with it, each with its place, when it cannot be taken */
export function parseFactsFile(text: string): FactsFile | { readonly issues: readonly string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { issues: [`is no JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  const checked = checkValue<FactsFile>(Schema, withoutNulls(value));
  if ("issues" in checked)
    return {
      issues: checked.issues.map((issue) =>
        [issue.path.join("."), issueText(issue)].filter((part) => part !== "").join(" "),
      ),
    };
  const { output } = checked;
  const names = output.nics.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  return twice === undefined ? output : { issues: [`nics has two that are called ${twice}`] };
}

/** Tools that write facts say "unknown" by null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const known = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(known.map(([key, member]) => [key, withoutNulls(member)]));
}

/** The facts that a choice was made from, without what has no part in it: keys, places, the clock. */
export function factsFile(facts: Facts, node: NodeDocument | null): FactsFile {
  const { now, nics, uplink, uplinkLost, lastUplink } = facts;
  return {
    now,
    ...(uplink === null ? {} : { uplink }),
    ...(uplinkLost === undefined ? {} : { uplinkLost }),
    ...(lastUplink === undefined ? {} : { lastUplink }),
    ...(node === null ? {} : { node }),
    nics,
  };
}
