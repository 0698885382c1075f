import test from "ava";
import type { Actual, ActualLink } from "../../model/actual.ts";
import type { Document } from "../../model/document.ts";
import { HOST, type KernelObject, type Target } from "../../model/kernel.ts";
import { facts, lan, lease, nic, resource } from "../../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic, seenRoute } from "../../testing/memory-kernel.ts";
import { compile } from "../compile.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const bridge = (name: string, index: number): ActualLink => ({ ...physicalNic(name, index), type: "bridge", up: true });
const nics = [nic("eth0"), nic("eth1")];

interface Case {
  readonly title: string;
  readonly actual: Partial<Actual>;
  readonly documents: readonly Document[];
  /** Whether the uplink eth0 has a lease. */
  readonly online?: true;
  readonly foreign: readonly string[];
  /** What no step may speak of. */
  readonly untouched: RegExp;
}

const CASES: readonly Case[] = [
  {
    title: "a bridge of the wanted name: no port is plugged in, no parameter set",
    actual: { link: [bridge("rdemo", 5)] },
    documents: [resource("demo")],
    foreign: ["link rdemo exists (bridge, up, group 0) and is not Netloom's"],
    untouched: /rdemo/u,
  },
  {
    title: "a namespace of the wanted name: nothing is born in it",
    actual: { netns: [{ name: "ndemo", owned: false }] },
    documents: [resource("demo")],
    foreign: ["namespace ndemo exists and is not this daemon's"],
    untouched: /ndemo|private/u,
  },
  {
    title: "a NIC in somebody's bridge stays there",
    actual: { link: [bridge("docker0", 5), { ...physicalNic("eth1", 3), master: "docker0" }] },
    documents: [lan("lab", { nics: ["eth1"] })],
    foreign: ["link eth1 is a port of docker0, which is not Netloom's"],
    untouched: /eth1|docker0/u,
  },
  {
    title: "somebody's route of the same network and metric is not replaced",
    actual: {
      link: [{ ...physicalNic("eth0", 2), up: true }],
      route: [seenRoute({ to: "0.0.0.0/0", dev: "eth9", via: "10.9.9.9", metric: 1024 })],
    },
    documents: [],
    online: true,
    foreign: ["route 0.0.0.0/0 metric 1024 exists (dev eth9 via 10.9.9.9 proto boot) and is not Netloom's"],
    untouched: /ip route/u,
  },
  {
    title: "a table of our name without our mark is neither loaded nor removed",
    actual: {
      netns: [{ name: "ndemo", owned: true }],
      nft: [{ netns: "ndemo", family: "inet", table: "netloom", hash: null, touched: false }],
    },
    documents: [resource("demo")],
    foreign: ["nft table ndemo/inet netloom exists and is not Netloom's"],
    untouched: /table inet netloom(?: |$)/u,
  },
];

for (const { title, actual, documents, online, foreign, untouched } of CASES) {
  test(title, (t) => {
    const kernel: Actual = { ...emptyKernel(), ...actual };
    const known = facts({ nics, leases: online === true ? [lease("eth0")] : [] });
    const wanted = diff(kernel, compile(documents, known).target);
    t.deepEqual(wanted.foreign, foreign);
    const lines = wanted.steps.map(explain);
    t.deepEqual(
      lines.filter((line) => untouched.test(line)),
      [],
    );
    // Nor does anything of it go when the documents do.
    const unwanted = diff(kernel, compile([], facts()).target).steps.map(explain);
    t.deepEqual(
      unwanted.filter((line) => untouched.test(line) && !line.startsWith("ip netns del ndemo")),
      [],
    );
  });
}

test("somebody's equal address or route is enough, and stays when ours would go", (t) => {
  const kernel: Actual = {
    ...emptyKernel(),
    link: [{ ...physicalNic("eth0", 2), up: true }],
    address: [
      { netns: HOST, dev: "eth0", address: "192.168.50.17/24", owned: false, validUntil: null, preferredUntil: null },
    ],
    route: [seenRoute({ to: "0.0.0.0/0", dev: "eth0", via: "192.168.50.1", metric: 1024 })],
  };
  const online: Target = [
    { kind: "link", netns: HOST, name: "eth0", type: "physical" },
    { kind: "address", netns: HOST, dev: "eth0", address: "192.168.50.17/24" },
    { kind: "route", netns: HOST, to: "0.0.0.0/0", dev: "eth0", via: "192.168.50.1", metric: 1024 },
  ];
  t.deepEqual(diff(kernel, online).foreign, []);
  t.notRegex(diff(kernel, online).steps.map(explain).join("\n"), /addr|route/u);
  t.deepEqual(diff(kernel, []).steps, []);
});

test("what others plug into our bridge stays plugged in, and what a document named is released", (t) => {
  const start: Actual = { ...emptyKernel(), link: [physicalNic("eth1", 3)] };
  const known = facts({ nics: [nic("eth1")] });
  const withPort = compile([lan("lab", { nics: ["eth1"] })], known).target;
  const made = applySteps(start, diff(start, withPort).steps);
  const member: ActualLink = { ...physicalNic("tap0", 9), type: "tun", up: true, master: "l-lab", masterOwned: true };
  const plugged = { ...made, link: [...made.link, member] };
  t.deepEqual(diff(plugged, withPort).steps, []);
  const without = diff(plugged, compile([lan("lab")], facts()).target).steps.map(explain);
  t.deepEqual(without, ["ip link set eth1 nomaster"]);
});

const NIC = { ...physicalNic("eth0", 2), up: true };
const lone = (part: Partial<Actual>): Actual => ({ ...emptyKernel(), link: [NIC], ...part });

test("somebody's neighbour is not replaced, an equal one is enough, and stays", (t) => {
  const place = { netns: HOST, dev: "eth0", to: "10.0.0.5" };
  const theirs = lone({ neighbor: [{ ...place, mac: "02:00:00:00:00:05", proxy: false, owned: false }] });
  const wish = (mac: string): KernelObject => ({ kind: "neighbor", ...place, mac });
  t.deepEqual(diff(theirs, [wish("02:00:00:00:00:06")]), {
    steps: [],
    foreign: ["neighbour eth0 10.0.0.5 exists (lladdr 02:00:00:00:00:05) and is not Netloom's"],
  });
  t.deepEqual(diff(theirs, [wish("02:00:00:00:00:05")]), { steps: [], foreign: [] });
  t.deepEqual(diff(theirs, []).steps, []);
});

test("somebody's rule stays, and an equal one is enough", (t) => {
  const members = { netns: HOST, family: 4, priority: 100, fwmark: { value: 1, mask: 255 }, table: 7 } as const;
  const theirs = lone({ rule: [{ ...members, owned: false }] });
  t.deepEqual(diff(theirs, [{ kind: "rule", ...members }]).steps, []);
  t.deepEqual(diff(theirs, []).steps, []);
  // The main table and `lookup` need not be said.
  const main = lone({ rule: [{ netns: HOST, family: 4, priority: 9, table: 254, action: "lookup", owned: true }] });
  t.deepEqual(diff(main, [{ kind: "rule", netns: HOST, family: 4, priority: 9 }]).steps, []);
});

test("somebody's vxlan gets no entry, and keeps those that it has", (t) => {
  const x0: ActualLink = { ...bridge("x0", 7), type: "vxlan" };
  const entry = { netns: HOST, dev: "x0", mac: "00:00:00:00:00:00", remote: "192.0.2.1" };
  const theirs = lone({ link: [x0], fdb: [{ ...entry, vni: null, port: null, vlan: null, owned: false }] });
  t.deepEqual(diff(theirs, []).steps, []);
  const wish: Target = [
    { kind: "link", netns: HOST, name: "x0", type: "vxlan", options: { vni: 7 } },
    { kind: "fdb", ...entry, remote: "192.0.2.2" },
  ];
  t.deepEqual(diff(theirs, wish), { steps: [], foreign: ["link x0 exists (vxlan, up, group 0) and is not Netloom's"] });
});

test("somebody's blackhole of the wanted network is refused in its own words", (t) => {
  const theirs = lone({ route: [seenRoute({ to: "10.0.0.0/8", type: "blackhole" })] });
  t.deepEqual(diff(theirs, [{ kind: "route", netns: HOST, to: "10.0.0.0/8", dev: "eth0" }]).foreign, [
    "route 10.0.0.0/8 metric 0 exists (blackhole proto boot) and is not Netloom's",
  ]);
});

test("a lifetime that differs by seconds is the same, one that differs by minutes is given again", (t) => {
  const address = { netns: HOST, dev: "eth0", address: "10.0.0.1/24" };
  const seen = lone({ address: [{ ...address, validUntil: 1000, preferredUntil: 1000, owned: true }] });
  const wish = (validUntil?: number): Target => [
    { kind: "address", ...address, ...(validUntil === undefined ? {} : { validUntil }) },
  ];
  t.deepEqual(diff(seen, wish(1004)).steps, []);
  t.deepEqual(diff(seen, wish(1600)).steps.map(explain), ["ip addr add 10.0.0.1/24 dev eth0 valid-until 1600"]);
  t.deepEqual(diff(seen, wish()).steps.map(explain), ["ip addr add 10.0.0.1/24 dev eth0"]);
});

test("what stands in the way is told in words by which its owner can be found", (t) => {
  const ports = ["eth1", "eth2", "eth3", "eth4"].map((name, at) => ({ ...physicalNic(name, at + 3), master: "b0" }));
  const b0: ActualLink = { ...bridge("b0", 9), alias: "to the lab", group: 7 };
  const wish: Target = [{ kind: "link", netns: HOST, name: "b0", type: "bridge" }];
  t.deepEqual(diff(lone({ link: [b0, ...ports] }), wish).foreign, [
    'link b0 exists (bridge, up, ports eth1, eth2, eth3 and 1 more, alias "to the lab", group 7) and is not Netloom\'s',
  ]);
  const port: ActualLink = { ...bridge("b0", 9), up: false, master: "docker0" };
  t.deepEqual(diff(lone({ link: [port] }), wish).foreign, [
    "link b0 exists (bridge, down, a port of docker0, group 0) and is not Netloom's",
  ]);
  const netns = [{ name: "ndemo", owned: false, mark: 0x4e_4c_12_34 }];
  t.deepEqual(diff({ ...emptyKernel(), netns }, [{ kind: "netns", name: "ndemo" }]).foreign, [
    "namespace ndemo exists (another Netloom daemon made it) and is not this daemon's",
  ]);
  const route = seenRoute({ to: "10.0.0.0/8", dev: "eth0", via: "10.0.0.1", protocol: 16 });
  t.deepEqual(diff(lone({ route: [route] }), [{ kind: "route", netns: HOST, to: "10.0.0.0/8", dev: "eth0" }]).foreign, [
    "route 10.0.0.0/8 metric 0 exists (dev eth0 via 10.0.0.1 proto dhcp) and is not Netloom's",
  ]);
});
