import fc from "fast-check";
import { HOST, type KernelObject, type LinkSpec, type RuleSpec } from "../model/kernel.ts";
import { compileResourceFirewall } from "../plan/firewall.ts";
import { given, mac, maybe } from "./arbitraries.ts";

type Family = RuleSpec["family"];

/** Addresses of one family. */
const NETWORKS = {
  4: {
    address: (n: number) => `10.0.0.${n}/24`,
    host: (n: number) => `10.0.0.${n}`,
    other: "10.2.0.8",
    far: "10.9.0.0/16",
  },
  6: { address: (n: number) => `fd00::${n}/64`, host: (n: number) => `fd00::${n}`, other: "fd02::8", far: "fd09::/48" },
} as const;

const familyWish = fc.record({
  address: maybe(
    fc.record({ n: fc.constantFrom(1, 2), life: maybe(fc.constantFrom(1000, 2000)), early: fc.boolean() }),
  ),
  route: maybe(
    fc.record({
      way: fc.constantFrom("dev", "via", "hops", "blackhole", "prohibit"),
      table: maybe(fc.constantFrom(100, 101)),
      metric: maybe(fc.constantFrom(5, 9)),
      mtu: maybe(fc.constantFrom(1300, 1400)),
      onlink: fc.boolean(),
      weight: fc.constantFrom(1, 2),
    }),
  ),
  rules: fc.uniqueArray(
    fc.record({
      priority: fc.constantFrom(100, 200),
      mark: maybe(fc.constantFrom(1, 2)),
      from: fc.boolean(),
      action: fc.constantFrom("lookup", "blackhole"),
    }),
    { selector: (rule) => JSON.stringify(rule), maxLength: 3 },
  ),
  neighbor: maybe(fc.record({ n: fc.constantFrom(1, 2), proxy: fc.boolean() })),
});

const tableWish = fc.record({
  ipv4: familyWish,
  ipv6: familyWish,
  fdb: fc.uniqueArray(fc.record({ vxlan: fc.boolean(), n: fc.constantFrom(1, 2), vlan: maybe(fc.constant(5)) }), {
    selector: (entry) => JSON.stringify(entry),
    maxLength: 3,
  }),
  firewall: maybe(fc.constantFrom("none", "w0")),
  forward: maybe(fc.constantFrom("0", "1")),
  promote: maybe(fc.constantFrom("0", "1")),
  resolver: maybe(fc.record({ server: fc.constantFrom("192.0.2.1", "2001:db8::1"), secret: fc.boolean() })),
});

type FamilyWish = typeof familyWish extends fc.Arbitrary<infer T> ? T : never;
type TableWish = typeof tableWish extends fc.Arbitrary<infer T> ? T : never;

/** A namespace and the links that it will have; lifetimes end later than `now`. */
interface Place {
  readonly netns: string;
  readonly links: readonly LinkSpec[];
  readonly now: number;
}

/** What a namespace may have beside links: addresses, routes, rules, neighbours, forwarding entries, a firewall and parameters. */
export const anyTables: fc.Arbitrary<(place: Place) => readonly KernelObject[]> = tableWish.map(
  (wish) => (place) => tablesOf(place, wish),
);

function tablesOf(place: Place, wish: TableWish): readonly KernelObject[] {
  const { netns, links } = place;
  const found = [...familyTables(place, 4, wish.ipv4), ...familyTables(place, 6, wish.ipv6), ...fdbOf(place, wish.fdb)];
  if (wish.firewall !== undefined)
    found.push(compileResourceFirewall(netns, wish.firewall === "none" ? undefined : wish.firewall));
  if (wish.forward !== undefined)
    found.push({ kind: "sysctl", netns, key: "net.ipv4.ip_forward", value: wish.forward });
  for (const { name: dev, type } of links)
    if (wish.promote !== undefined && type === "bridge")
      found.push({
        kind: "sysctl",
        netns,
        dev,
        key: `net.ipv4.conf.${dev}.promote_secondaries`,
        value: wish.promote,
      });
  // The node's own is not ours on a machine with other programs.
  if (wish.resolver !== undefined && netns !== HOST)
    found.push({
      kind: "file",
      path: `/etc/netns/${netns}/resolv.conf`,
      content: `nameserver ${wish.resolver.server}\n`,
      ...(wish.resolver.secret ? { mode: 0o600 } : {}),
    });
  return [...new Map(found.map((object) => [JSON.stringify(object), object])).values()];
}

function familyTables({ netns, links, now }: Place, family: Family, wish: FamilyWish): readonly KernelObject[] {
  const network = NETWORKS[family];
  const found: KernelObject[] = wish.rules.map(({ priority, mark, from, action }) => ({
    kind: "rule",
    netns,
    family,
    priority,
    ...(from ? { from: network.far } : {}),
    ...(mark === undefined ? {} : { fwmark: { value: mark, mask: 0xff } }),
    // One that swallows all would swallow the look for a route's router too.
    ...(action === "lookup" || mark === undefined ? { table: 100 } : { action: "blackhole" as const }),
  }));
  const [first, second] = links;
  if (first === undefined) return found;
  const dev = first.name;
  if (wish.address !== undefined) {
    const { n, life, early } = wish.address;
    const until = now + (life ?? 0);
    const ends = life === undefined ? {} : { validUntil: until, ...(early ? { preferredUntil: until - 500 } : {}) };
    found.push({ kind: "address", netns, dev, address: network.address(n), ...ends });
  }
  if (wish.route !== undefined) {
    const { way, table, metric, mtu, onlink, weight } = wish.route;
    const key = { kind: "route", netns, to: network.far, ...given({ table, metric }) } as const;
    const more = given({ mtu });
    // A router has to be in a network of the link, or be said to be there.
    const reached = onlink || wish.address === undefined ? { onlink: true as const } : {};
    const near = network.host(9);
    if (way === "dev") found.push({ ...key, dev, ...more });
    else if (way === "via") found.push({ ...key, dev, via: near, ...more, ...reached });
    else if (way === "hops") {
      const hops = [
        { dev, via: near, weight },
        // Of a network that is on no link: one of another link's would be refused.
        { dev: second?.name ?? dev, via: network.other },
      ];
      found.push({ ...key, ...more, onlink: true, hops });
    } else found.push({ ...key, type: way });
  }
  if (wish.neighbor !== undefined)
    found.push({
      kind: "neighbor",
      netns,
      dev,
      to: network.host(5),
      ...(wish.neighbor.proxy ? { proxy: true as const } : { mac: mac(wish.neighbor.n) }),
    });
  return found;
}

function fdbOf({ netns, links }: Place, wishes: TableWish["fdb"]): KernelObject[] {
  const vxlan = links.find(({ type }) => type === "vxlan");
  const port = links.find(({ master }) => master === "b0" || master === "b1");
  return wishes.flatMap((wish): readonly KernelObject[] => {
    if (wish.vxlan)
      return vxlan === undefined
        ? []
        : [{ kind: "fdb", netns, dev: vxlan.name, mac: "00:00:00:00:00:00", remote: `192.0.2.${wish.n}` }];
    if (port === undefined) return [];
    // Of a VLAN that the port is in.
    const member = port.vlans?.some(({ id }) => id === wish.vlan) === true;
    return [
      { kind: "fdb", netns, dev: port.name, mac: mac(wish.n + 0x20), ...(member ? given({ vlan: wish.vlan }) : {}) },
    ];
  });
}
