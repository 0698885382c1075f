/** Objects of every kind that the node had before: the real kernel keeps them, and the refusal says what they are. */
import test from "ava";
import { HOST, type KernelObject, type Target } from "../model/kernel.ts";
import { lookAtLinks } from "../testing/look-at-links.ts";
import { RealKernel } from "../testing/real-kernel.ts";
import { Sandbox } from "../testing/sandbox.ts";

/** Somebody's things: some in the way of ours, some equal to ours, some only near. */
const THEIRS = [
  "link add b0 up type bridge",
  "link set b0 alias their-bridge",
  "link add p0 master b0 up type veth peer name p1",
  "link add x0 up type vxlan id 9 dstport 4789",
  "link set p1 up",
  "address add 10.1.0.1/24 dev p1",
  "route add 10.7.0.0/16 dev p1 proto static",
  "route add 10.8.0.0/16 via 10.1.0.9",
  "neigh add 10.1.0.5 lladdr 02:00:00:00:00:55 dev p1 nud permanent",
  "rule add priority 50 fwmark 0x1 lookup 77",
  "netns add nboth",
];

const link = (name: string, part: Partial<KernelObject> = {}): KernelObject =>
  ({ kind: "link", netns: HOST, name, type: "bridge", ...part }) as KernelObject;

const WISH: Target = [
  link("b0"),
  link("x0", { type: "vxlan", options: { vni: 7, port: 4789 } }),
  { kind: "fdb", netns: HOST, dev: "x0", mac: "00:00:00:00:00:00", remote: "192.0.2.1" },
  link("p1", { type: "physical" }),
  { kind: "address", netns: HOST, dev: "p1", address: "10.1.0.1/24" },
  { kind: "route", netns: HOST, to: "10.7.0.0/16", dev: "p1", via: "10.1.0.8" },
  { kind: "route", netns: HOST, to: "10.8.0.0/16", dev: "p1", via: "10.1.0.9" },
  { kind: "neighbor", netns: HOST, dev: "p1", to: "10.1.0.5", mac: "02:00:00:00:00:56" },
  { kind: "rule", netns: HOST, family: 4, priority: 50, fwmark: { value: 1, mask: 0xff_ff_ff_ff }, table: 77 },
  { kind: "netns", name: "nboth" },
];

const REFUSALS = [
  "namespace nboth exists and is not this daemon's",
  'link b0 exists (bridge, up, port p0, alias "their-bridge", group 0) and is not Netloom\'s',
  "link x0 exists (vxlan, up, group 0) and is not Netloom's",
  "route 10.7.0.0/16 metric 0 exists (dev p1 proto static) and is not Netloom's",
  "neighbour p1 10.1.0.5 exists (lladdr 02:00:00:00:00:55) and is not Netloom's",
];

const LOOK = `
ip -4 address; ip route; ip neigh show nud permanent; ip rule
bridge fdb show dev x0
`;

async function look(sandbox: Sandbox): Promise<string> {
  const text = await lookAtLinks(sandbox, LOOK);
  const links = await Promise.all([linksOf(sandbox, ""), linksOf(sandbox, "-n nboth ")]);
  return [text, ...links].join("").replaceAll(/ state \S+/gu, "");
}

/** Links without what changes by itself: carrier, timers, counters. */
async function linksOf(sandbox: Sandbox, where: string): Promise<string> {
  const links = JSON.parse(await sandbox.ip(`${where}-j link`)) as readonly Readonly<Record<string, unknown>>[];
  return JSON.stringify(
    links.map(({ ifindex, ifname, master, mtu, address, group, ifalias, flags }) => {
      const up = Array.isArray(flags) && flags.includes("UP");
      return { ifindex, ifname, master, mtu, address, group, ifalias, up };
    }),
  );
}

test("what others made is left as it is, whether it is in our way or does what we want, and also when we want it no longer", async (t) => {
  await using sandbox = await Sandbox.open();
  for (const line of THEIRS) await sandbox.ip(line);
  const before = await look(sandbox);
  await using kernel = new RealKernel(sandbox);
  const { report, again } = await kernel.reach(WISH);
  t.deepEqual(again.foreign.toSorted(), REFUSALS.toSorted());
  t.deepEqual(report.steps, []);
  t.deepEqual((await kernel.reach([])).report.steps, []);
  t.is(await look(sandbox), before);
});

test("what the kernel refuses is told in its own words", async (t) => {
  await using sandbox = await Sandbox.open();
  await sandbox.ip("link add inner up type bridge");
  await using kernel = new RealKernel(sandbox);
  const { report } = await kernel.reach([link("outer"), link("inner", { type: "physical", master: "outer" })]);
  t.deepEqual(
    report.failures.map(({ step, message }) => `${step}: ${message}`),
    ["ip link set inner master outer: cannot link.set inner: Can not enslave a bridge to a bridge"],
  );
});
