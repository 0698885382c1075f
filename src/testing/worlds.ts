import fc from "fast-check";
import type { Document } from "../model/document.ts";
import type { Facts } from "../model/facts.ts";
import type { Target } from "../model/kernel.ts";
import type { Member } from "../model/member.ts";
import { compile } from "../plan/compile.ts";
import { mac, maybe } from "./arbitraries.ts";
import { facts, keyFact, lan, lease, nic, node, peer, resource } from "./builders.ts";

const NAMES = ["alpha", "beta", "gamma"] as const;

/** NICs that the node of a world has. */
export const NICS = ["eth0", "eth1"] as const;
/** Namespaces of containers, which become members. */
export const BOXES = ["box1", "box2"] as const;

const peers = fc.uniqueArray(
  fc.record({
    n: fc.integer({ min: 2, max: 6 }),
    port: maybe(fc.integer({ min: 1, max: 3 })),
    keepalive: fc.constantFrom(0, 20),
  }),
  { selector: ({ n }) => n, maxLength: 4 },
);

const resources = fc.uniqueArray(
  fc.record({ name: fc.constantFrom(...NAMES), third: fc.integer({ min: 7, max: 9 }), mesh: maybe(peers) }),
  { selector: ({ name }) => name, maxLength: 3 },
);

const lans = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    dhcp: fc.boolean(),
    v6: fc.boolean(),
    port: maybe(fc.constantFrom(...NICS)),
    members: fc.uniqueArray(fc.constantFrom(...BOXES)),
  }),
  { selector: ({ name }) => name, maxLength: 3 },
);

/** Documents that do not contradict each other, members of their LANs, and facts that fit. */
export interface World {
  readonly documents: readonly Document[];
  readonly members: readonly Member[];
  readonly facts: Facts;
}

export interface WorldOptions {
  /** Resources may have WireGuard; true when left out. */
  readonly mesh?: boolean;
  /** The node may want an uplink, and have a lease for it; true when left out. */
  readonly uplink?: boolean;
  readonly places?: Partial<Pick<Facts, "runtimeDir" | "stateDir">>;
}

/** Any mixture of documents that does not contradict itself. */
export function worlds({ mesh = true, uplink = true, places = {} }: WorldOptions = {}): fc.Arbitrary<World> {
  return fc.record({ resources, lans, lease: fc.boolean(), uplink: fc.boolean() }).map((wish) => ({
    documents: [
      ...(uplink && wish.uplink ? [] : [node({ uplink: { mode: "none", ignore: [] } })]),
      ...wish.lans.map(({ name, dhcp, v6, port }, at) =>
        lan(name, {
          cidr: `192.168.${at}.0/24`,
          dhcp,
          nics: port === undefined || at > 0 ? [] : [port],
          ...(v6 ? { ipv6: { cidr: `fd00:${at}::/64`, dhcp: true } } : {}),
        }),
      ),
      ...wish.resources.map(({ name, third, mesh: list }, at) => {
        const subnet = `10.10.${third}.0/24`;
        if (!mesh || list === undefined) return resource(name, { subnet });
        const meshed = list.map(({ n, port, keepalive }) =>
          peer(`peer ${n}`, {
            allowedIps: [`10.10.${n}.0/24`],
            keepalive,
            ...(port === undefined ? {} : { endpoint: `192.0.2.${n}:${port}` }),
          }),
        );
        return resource(name, { subnet, wireguard: { listenPort: 51820 + at, peers: meshed } });
      }),
    ],
    members: wish.lans.flatMap(({ name, members }, at) =>
      members.map((netns, n) => ({
        lan: name,
        name: netns,
        netns,
        nic: `to-${name}`,
        hostName: `v-${name}-${n}`,
        mac: mac(0x10 * (at + 1) + n),
        addresses: [`192.168.${at}.${n + 2}/24`],
        routes: at === 0 ? [{ to: "10.0.0.0/8", via: `192.168.${at}.1` }] : [],
      })),
    ),
    facts: facts({
      nics: NICS.map((name) => nic(name)),
      leases: uplink && wish.lease ? [lease("eth1")] : [],
      wireguardKeys: Object.fromEntries(NAMES.map((name) => [name, keyFact(name)])),
      ...places,
    }),
  }));
}

/** What a world compiles to; one that is refused is a mistake of the generator. */
export function targetOf({ documents, members, facts: known }: World): Target {
  const { target, issues } = compile(documents, known, members);
  if (issues.length > 0) throw new Error(issues.map((issue) => issue.message).join("; "));
  return target;
}
