import test from "ava";
import type { Fdb, Link, Route, Rule, Tables } from "../netlink-types.ts";
import { addressesOf, fdbOf, linksOf, neighborsOf, nicsOf, routesOf, rulesOf, type Look } from "./tables.ts";

const OURS = 0x4e4c;

const link = (index: number, name: string, part: Partial<Link> = {}): Link => ({
  index,
  name,
  kind: null,
  type: "ether",
  mac: "02:00:00:00:00:01",
  permanentMac: null,
  mtu: 1500,
  up: true,
  carrier: true,
  operstate: "up",
  master: null,
  group: 0,
  alias: null,
  peerIndex: null,
  peerNetnsId: null,
  parentDev: null,
  parentBus: null,
  stats: { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 },
  ...part,
});

const links = [
  link(2, "eth0"),
  link(3, "b0", { kind: "bridge", group: OURS, options: { vlanFiltering: true } }),
  link(4, "v0", { kind: "veth", master: 3, group: OURS, lower: { index: 2, netnsId: 5 } }),
  link(5, "vlan5", { kind: "vlan", group: OURS, options: { id: 5 }, lower: { index: 2, netnsId: null } }),
  link(6, "x0", { kind: "vxlan", group: OURS, options: { vni: 7, group: "192.0.2.9" }, lower: null }),
  link(7, "mv0", { kind: "macvlan", group: OURS, lower: { index: 2, netnsId: 1 } }),
];

const look = (tables: Partial<Tables>): Look => ({
  netns: "",
  now: 1000,
  isAdopted: () => false,
  bornIn: () => "",
  tables: { links, addresses: [], routes: [], ...tables },
});

test("a NIC has what its driver and the kernel say of it", (t) => {
  const card = link(2, "eth0", { permanentMac: "52:54:00:00:00:09", carrierUps: 3, parentDev: "virtio0" });
  const details = new Map([[2, { driver: "virtio_net", pci: "0000:00:03.0", speed: 1000 }]]);
  const all = [card, ...links.slice(1), link(9, "lo", { type: "loopback" }), link(10, "v9", { kind: "veth" })];
  t.deepEqual(nicsOf({ links: all, addresses: [] }, new Map(), details), [
    {
      ...{ name: "eth0", mac: "02:00:00:00:00:01", permanentMac: "52:54:00:00:00:09", physical: true, carrier: true },
      ...{ carrierUps: 3, device: "virtio0", driver: "virtio_net", pci: "0000:00:03.0", speed: 1000 },
    },
    { name: "v9", mac: "02:00:00:00:00:01", physical: false, carrier: true },
  ]);
});

test("links know what they sit on; the other end of a veth is no such thing, and one elsewhere is not known", (t) => {
  const seen = linksOf(look({ vlans: [{ index: 4, id: 5, pvid: true, untagged: false }] }));
  t.deepEqual(
    seen.map(({ lower }) => lower),
    [null, null, null, { netns: "", name: "eth0" }, null, "unknown"],
  );
  t.deepEqual(
    seen.map(({ vlans }) => vlans),
    [null, [], [{ id: 5, pvid: true }], null, null, null],
  );
  t.like(seen[2], { master: "b0", masterOwned: true, owned: true });
});

test("what an addon does not tell is not taken for a difference", (t) => {
  const { options: _options, lower: _lower, port: _port, ...old } = links[5] ?? link(7, "mv0");
  t.like(linksOf({ ...look({}), tables: { links: [old], addresses: [], routes: [] } })[0], {
    lower: "unknown",
    options: null,
    port: null,
    vlans: null,
  });
});

test("lifetimes become points in time", (t) => {
  const address = { index: 2, address: "10.0.0.1/24", family: 4, proto: 78, scope: "global", flags: [] } as const;
  const [limited, endless] = addressesOf(
    look({
      addresses: [
        { ...address, validLifetime: 600, preferredLifetime: 300 },
        { ...address, validLifetime: null },
      ],
    }),
  );
  t.like(limited, { validUntil: 1600, preferredUntil: 1300, owned: true });
  t.like(endless, { validUntil: null, preferredUntil: null });
});

const route: Route = {
  family: 4,
  to: "default",
  via: "10.0.0.1",
  index: 2,
  table: 254,
  protocol: 78,
  metric: null,
  scope: "global",
  type: "unicast",
  source: null,
};

test("routes of any table are seen, with their ways; the kernel's own table is not", (t) => {
  const hops = [
    { index: 2, via: "10.0.0.1", weight: 2 },
    { index: 4, via: null, weight: 1 },
  ];
  const seen = routesOf(
    look({
      routes: [
        route,
        { ...route, table: 100, via: null, index: null, hops },
        { ...route, to: "10.0.0.0/8", type: "blackhole", via: null, index: null },
        { ...route, table: 255 },
        { ...route, type: "local" },
        { ...route, index: 99 },
      ],
    }),
  );
  t.is(seen.length, 3);
  t.like(seen[0], { to: "0.0.0.0/0", dev: "eth0", owned: true, hops: [] });
  t.deepEqual(seen[1]?.hops, [
    { dev: "eth0", via: "10.0.0.1", weight: 2 },
    { dev: "v0", weight: 1 },
  ]);
  t.like(seen[2], { type: "blackhole", dev: null });
});

const rule: Rule = { family: 4, priority: 100, table: 7, action: "lookup", protocol: 78, other: false };

test("rules that cannot be said here are nobody's that we want", (t) => {
  const seen = rulesOf(
    look({
      rules: [
        rule,
        { family: 4, priority: 100, action: "blackhole", protocol: 2, other: false },
        { ...rule, other: true },
        { ...rule, action: "other" },
      ],
    }),
  );
  t.deepEqual(seen, [
    { netns: "", family: 4, priority: 100, table: 7, action: "lookup", owned: true },
    { netns: "", family: 4, priority: 100, action: "blackhole", owned: false },
  ]);
});

test("learned neighbours are not part of what is", (t) => {
  const entry = { index: 2, to: "10.0.0.5", mac: "02:00:00:00:00:05", proxy: false, protocol: 78 };
  const seen = neighborsOf(
    look({
      neighbors: [
        { ...entry, state: "permanent" },
        { ...entry, state: "reachable" },
        { ...entry, state: "none", proxy: true, mac: null, protocol: 0 },
      ],
    }),
  );
  t.deepEqual(
    seen.map(({ proxy, owned }) => ({ proxy, owned })),
    [
      { proxy: false, owned: true },
      { proxy: true, owned: false },
    ],
  );
});

test("the entry that a vxlan has from its own group is nobody's, and ours are those on links of ours", (t) => {
  const entry: Fdb = { index: 4, mac: "02:00:00:00:00:21", remote: null, vni: null, port: null, vlan: null };
  const vxlan: Fdb = { ...entry, index: 6, mac: "00:00:00:00:00:00" };
  const fdb = [entry, { ...vxlan, remote: "192.0.2.1" }, { ...vxlan, remote: "192.0.2.9" }, { ...entry, index: 2 }];
  t.deepEqual(
    fdbOf(look({ fdb })).map(({ dev, remote, owned }) => ({ dev, remote, owned })),
    [
      { dev: "v0", remote: null, owned: true },
      { dev: "x0", remote: "192.0.2.1", owned: true },
      { dev: "eth0", remote: null, owned: false },
    ],
  );
});

test("a NIC that somebody else gave an address or made a port is his; what the kernel or we gave it is not", (t) => {
  const address = (index: number, proto: number, scope: "global" | "link"): Tables["addresses"][number] => ({
    index,
    address: `10.0.${index}.5/24`,
    family: 4,
    proto,
    scope,
    flags: [],
    validLifetime: null,
  });
  const nics = nicsOf({
    links: [
      ...[2, 3, 4, 5].map((index) => link(index, `eth${index}`)),
      link(6, "eth6", { master: 8 }),
      link(7, "eth7", { master: 9 }),
      link(8, "theirs", { kind: "bridge" }),
      link(9, "zos", { kind: "bridge", group: OURS }),
    ],
    addresses: [address(2, 0, "global"), address(3, 2, "global"), address(4, 78, "global"), address(5, 0, "link")],
  });
  t.deepEqual(
    nics.map(({ name, foreign }) => [name, foreign]),
    [
      ["eth2", "it has 10.0.2.5/24, which is not Netloom's"],
      ["eth3", undefined],
      ["eth4", undefined],
      ["eth5", undefined],
      ["eth6", "it is a port of theirs, which is not Netloom's"],
      ["eth7", undefined],
    ],
  );
});
