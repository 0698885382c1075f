import * as v from "valibot";
import { parseCidr } from "../../src/lib/ip.ts";
import { Address4, Network4, Network6 } from "../../src/model/fields.ts";
import { linkPropertyEntries } from "./link-properties.ts";
import type { GuestFileSpec, NicSpec, NodeSpec } from "./topology.ts";

/** The image as it is, with the Netloom daemon: a node without a role. */
export type PlainNode = NodeSpec & { readonly role?: undefined };

/** Netloom as the gateway of each network that it is plugged into: DHCP, router advertisements, DNS and time. */
export type GatewayNode = NodeSpec & {
  readonly role: "gateway";
  /** IPv4 network of its only NIC, of which it has the first address; derived from the network's position unless told. */
  readonly cidr?: string;
  /** The IPv6 one, at most a /64 each. */
  readonly cidr6?: string;
  /** Whether it serves the time; it does unless told otherwise. */
  readonly ntp?: boolean;
};

/** Debian as a router that hides what is behind it: eth0 is outside, eth1 inside, with DHCP and DNS. */
export type NatRouterNode = NodeSpec & {
  readonly role: "nat-router";
  /** How eth0 gets its address; "dhcp" unless told. */
  readonly outside?: AddressWord;
  /** Default router outside; that of DHCP, or none, unless told. */
  readonly via?: string;
  /** IPv4 network of eth1, of which it has the first address; derived from the network's position unless told. */
  readonly inside?: string;
};

/** The Debian userland of the image; the Netloom daemon does not run. */
export type DebianNode = NodeSpec & {
  readonly role: "debian";
  /** How each NIC gets its address, in their order; "dhcp" where nothing is told. */
  readonly addresses?: readonly AddressWord[];
  /** Default router; that of DHCP, or none, unless told. */
  readonly via?: string;
  /** Shell scripts by the name of a service that runs them; each is started again when it ends. */
  readonly services?: Readonly<Record<string, string>>;
};

/** A machine without a kernel of its own: its firmware asks the network for one (PXE), by its NICs in their order. */
export type PxeClientNode = NodeSpec & { readonly role: "pxe-client" };

/**
 * "dhcp", "none", an IPv4 address with its prefix length ("10.1.0.5/24"), or "auto": a fixed address of the network's own range
 * (`networkCidr`) that no DHCP server of ours gives away and that follows from the node's position.
 */
export type AddressWord = string;

/** A node as YAML or TypeScript declare it. */
export type NodeDeclaration = PlainNode | GatewayNode | NatRouterNode | DebianNode | PxeClientNode;

export type RoleName = NonNullable<NodeDeclaration["role"]>;

/** A topology as YAML or TypeScript declare it, before roles have become nodes. */
export type TopologyDeclaration = {
  /** Name of a lab of it; that of the file unless told. */
  readonly name?: string;
  /** Names of networks, each one layer-2 segment. Their position decides addresses that nobody gives. */
  readonly networks: readonly string[];
  readonly nodes: Readonly<Record<string, NodeDeclaration>>;
};

const Text = v.string("is no text: quote it");
const Flag = v.boolean("is neither true nor false");
const list = <T extends v.GenericSchema>(item: T): v.ArraySchema<T, string> => v.array(item, "is no list");
const table = <T extends v.GenericSchema>(member: T): v.RecordSchema<typeof Text, T, string> =>
  v.record(Text, member, "is no mapping of names to values");

const Mac = v.pipe(
  Text,
  v.regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/iu, "is no MAC address such as 02:00:00:00:00:01"),
  v.check((mac) => Number.parseInt(mac.slice(0, 2), 16) % 2 === 0, "is the address of a group, not of one NIC"),
);

const Nic: v.GenericSchema<unknown, NicSpec> = v.lazy((value) =>
  typeof value === "string" || typeof value !== "object"
    ? v.string("is neither the name of a network nor a mapping with `network`")
    : v.strictObject({ network: Text, mac: v.exactOptional(Mac), ...linkPropertyEntries }),
);

const Mode = v.pipe(
  v.string('is no text: quote it, as in "0755"'),
  v.regex(/^0?[0-7]{3}$/u, 'is no file mode such as "0755"'),
  v.transform((digits) => Number.parseInt(digits, 8)),
);

const GuestFile: v.GenericSchema<unknown, GuestFileSpec> = v.lazy((value) => {
  if (typeof value !== "object" || value === null) return Text;
  const mode = v.exactOptional(Mode);
  return "from" in value ? v.strictObject({ from: Text, mode }) : v.strictObject({ content: Text, mode });
});

const GuestPath = v.pipe(Text, v.startsWith("/", "is no absolute path in the guest"));

const Pattern = v.pipe(
  Text,
  v.check(isPattern, "is no regular expression"),
  v.transform((text) => new RegExp(text, "u")),
);

const ServiceName = v.pipe(
  Text,
  v.regex(/^[a-z][a-z0-9-]*$/u, "is no name of a service: a-z, 0-9 and -, a letter first"),
);

const HostCidr = v.pipe(
  Text,
  v.check(
    (word) => ["dhcp", "none", "auto"].includes(word) || parseCidr(word)?.family === 4,
    "is none of dhcp, none, auto and an address such as 10.1.0.5/24",
  ),
);

const nodeKeys = {
  nics: list(Nic),
  kernel: v.exactOptional(Text),
  initrd: v.exactOptional(Text),
  cmdline: v.exactOptional(Text),
  memory: v.exactOptional(
    v.pipe(v.number("is no number of MiB"), v.integer("is no whole number of MiB"), v.minValue(16, "is below 16 MiB")),
  ),
  fwCfg: v.exactOptional(table(Text)),
  disk: v.exactOptional(Text),
  files: v.exactOptional(v.record(GuestPath, GuestFile, "is no mapping of paths to files")),
  boot: v.exactOptional(v.picklist(["clone", "cold", "network"], "is none of clone, cold and network")),
  agent: v.exactOptional(Flag),
  ready: v.exactOptional(Pattern),
  screen: v.exactOptional(Flag),
  rtc: v.exactOptional(
    v.pipe(Text, v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/u, "is no time such as 2020-01-01T00:00:00")),
  ),
  expectedOnConsole: v.exactOptional(list(Pattern)),
};

/** The schema of a node by its role; `plain` is that of a node without one. */
export const nodeSchemas: {
  readonly plain: v.GenericSchema<unknown, PlainNode>;
} & { readonly [R in RoleName]: v.GenericSchema<unknown, Extract<NodeDeclaration, { role: R }>> } = {
  plain: v.strictObject({ role: v.exactOptional(v.undefined()), ...nodeKeys }),
  gateway: v.strictObject({
    role: v.literal("gateway"),
    ...nodeKeys,
    cidr: v.exactOptional(Network4),
    cidr6: v.exactOptional(Network6),
    ntp: v.exactOptional(Flag),
  }),
  "nat-router": v.strictObject({
    role: v.literal("nat-router"),
    ...nodeKeys,
    outside: v.exactOptional(HostCidr),
    via: v.exactOptional(Address4),
    inside: v.exactOptional(Network4),
  }),
  debian: v.strictObject({
    role: v.literal("debian"),
    ...nodeKeys,
    addresses: v.exactOptional(list(HostCidr)),
    via: v.exactOptional(Address4),
    services: v.exactOptional(v.record(ServiceName, Text, "is no mapping of names to scripts")),
  }),
  "pxe-client": v.strictObject({ role: v.literal("pxe-client"), ...nodeKeys }),
};

/** The schema of a topology, but for its nodes: which one holds for a node depends on its role. */
export const topologySchema: v.GenericSchema<
  unknown,
  { readonly name?: string; readonly networks: readonly string[]; readonly nodes: Readonly<Record<string, unknown>> }
> = v.strictObject({
  name: v.exactOptional(
    v.pipe(Text, v.regex(/^[a-z][a-z0-9-]{0,31}$/u, "is no lab name: 1 to 32 of a-z, 0-9 and -, a letter first")),
  ),
  networks: v.optional(list(Text), []),
  nodes: table(v.unknown()),
});

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, "u") instanceof RegExp;
  } catch {
    return false;
  }
}
