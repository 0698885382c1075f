import test from "ava";
import type { Actual } from "../../model/actual.ts";
import type { Target } from "../../model/kernel.ts";
import type { ActualOvs, ActualOvsPort, OvsPortSpec, OvsSpec } from "../../model/ovs.ts";
import { applySteps, emptyKernel, physicalNic } from "../../testing/memory-kernel.ts";
import { ovsLink } from "../../testing/memory-ovs.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const NICS: Actual = { ...emptyKernel(), link: ["p1", "p2", "p3"].map((name, at) => physicalNic(name, at + 2)) };

function bridge(name: string, ports: readonly OvsPortSpec[] = [], part: Partial<OvsSpec> = {}): OvsSpec {
  return { kind: "ovs", name, ports, ...part };
}

function lines(actual: Actual, target: Target): readonly string[] {
  return diff(actual, target).steps.map(explain);
}

function after(target: Target, from: Actual = NICS): Actual {
  return applySteps(from, diff(from, target).steps);
}

function port(name: string, part: Partial<ActualOvsPort> = {}): ActualOvsPort {
  return { name, type: "system", tag: null, trunks: [], vlanMode: null, error: null, owned: false, ...part };
}

/** Somebody's bridge, with its local port and link. */
function others(name: string, ports: readonly ActualOvsPort[] = [], mark: string | null = null): Actual {
  const made: ActualOvs = {
    name,
    datapathType: "system",
    mark,
    owned: false,
    ports: [port(name, { type: "internal" }), ...ports],
  };
  return { ...NICS, ovs: [made], link: [...NICS.link, ovsLink(name, 9)] };
}

test("a bridge is made with its ports in one step, and the links that it makes are switched on", (t) => {
  const target = [
    bridge("br0", [
      { name: "p1", tag: 5 },
      { name: "gw", type: "internal", tag: 5 },
    ]),
  ];
  t.deepEqual(lines(NICS, target), [
    "ovs-vsctl --may-exist add-br br0 -- --may-exist add-port br0 p1 -- set Port p1 tag=5 -- --may-exist add-port br0 gw -- set Port gw tag=5 -- set Interface gw type=internal",
    "ip link set br0 up",
    "ip link set gw up",
  ]);
  t.deepEqual(lines(after(target), target), []);
});

test("a port that stays as it is is in no step", (t) => {
  const before = after([
    bridge("br0", [
      { name: "p1", tag: 5 },
      { name: "p2", trunks: [7, 8] },
    ]),
  ]);
  const next = [bridge("br0", [{ name: "p1", tag: 6 }, { name: "p2", trunks: [8, 7] }, { name: "p3" }])];
  t.deepEqual(lines(before, next), [
    "ovs-vsctl --may-exist add-br br0 -- --may-exist add-port br0 p1 -- set Port p1 tag=6 -- --may-exist add-port br0 p3",
  ]);
});

test("a port leaves before its link goes, and comes after its link is there", (t) => {
  const veth = { kind: "link", netns: "", name: "v0", type: "dummy" } as const;
  const dummy = { kind: "link", netns: "", name: "v1", type: "dummy" } as const;
  const before = after([veth, bridge("br0", [{ name: "v0" }])]);
  t.deepEqual(lines(before, [dummy, bridge("br0", [{ name: "v1" }])]), [
    "ovs-vsctl del-port br0 v0",
    "ip link del v0",
    "ip link add v1 up type dummy",
    "ovs-vsctl --may-exist add-br br0 -- --may-exist add-port br0 v1",
  ]);
});

test("a port that goes from one bridge to another leaves the first one before it enters the second", (t) => {
  const before = after([bridge("br0"), bridge("br1", [{ name: "p1" }])]);
  t.deepEqual(lines(before, [bridge("br0", [{ name: "p1" }]), bridge("br1")]), [
    "ovs-vsctl del-port br1 p1",
    "ovs-vsctl --may-exist add-br br0 -- --may-exist add-port br0 p1",
  ]);
});

test("what stands on a link that Open vSwitch makes is made after it, and made anew with it", (t) => {
  const upper = {
    kind: "link",
    netns: "",
    name: "m0",
    type: "macvlan",
    options: { mode: "bridge" },
    lower: { netns: "", name: "br0" },
  } as const;
  const address = { kind: "address", netns: "", dev: "br0", address: "10.0.0.1/24" } as const;
  const target = [address, upper, bridge("br0", [], { datapathType: "netdev" })];
  const before = after([address, upper, bridge("br0")]);
  t.deepEqual(lines(before, target), [
    "ip link del m0",
    "ovs-vsctl --may-exist add-br br0 -- set Bridge br0 datapath_type=netdev",
    "ip link add m0 link br0 up type macvlan mode bridge",
    "ip link set br0 up",
    "ip addr add 10.0.0.1/24 dev br0",
  ]);
  t.deepEqual(lines(after(target, before), target), []);
  t.deepEqual(lines(before, []), ["ip link del m0", "ovs-vsctl del-br br0"]);
});

test("a link of a bridge that somebody switched off is switched on, and wanted as a link it is set as that says", (t) => {
  const target = [bridge("br0")];
  const made = after(target);
  const off = { ...made, link: made.link.map((link) => ({ ...link, up: false })) };
  t.deepEqual(lines(off, target), ["ip link set br0 up"]);
  const link = { kind: "link", netns: "", name: "br0", type: "physical", mtu: 1400 } as const;
  t.deepEqual(lines(NICS, [link, ...target]), ["ovs-vsctl --may-exist add-br br0", "ip link set br0 mtu 1400 up"]);
});

test("a bridge of somebody else is refused, both are named, and nothing is done to it", (t) => {
  const theirs = others("br0", [port("p2"), port("p3")]);
  t.deepEqual(diff(theirs, [bridge("br0", [{ name: "p1" }])]), {
    steps: [],
    foreign: ["Open vSwitch bridge br0 exists (datapath system; ports p2, p3) and is not this daemon's"],
  });
  const [text = ""] = diff(others("br0", [], "4e4c0001"), [bridge("br0")]).foreign;
  t.regex(text, /another Netloom daemon made it, external_ids:netloom=4e4c0001/u);
  t.deepEqual(diff(theirs, []), { steps: [], foreign: [] });
});

test("a port that somebody else has is refused by itself: the rest of the bridge is made", (t) => {
  const { steps, foreign } = diff(others("br1", [port("p2")]), [bridge("br0", [{ name: "p1" }, { name: "p2" }])]);
  t.deepEqual(steps.map(explain), [
    "ovs-vsctl --may-exist add-br br0 -- --may-exist add-port br0 p1",
    "ip link set br0 up",
  ]);
  t.deepEqual(foreign, ["port p2 of Open vSwitch bridge br0: bridge br1 has a port p2 that is not Netloom's"]);
});

test("what somebody plugged into our bridge stays, and goes with the bridge only", (t) => {
  const target = [bridge("br0", [{ name: "p1" }])];
  const made = after(target);
  const joined = { ...made, ovs: made.ovs.map((one) => ({ ...one, ports: [...one.ports, port("p2")] })) };
  t.deepEqual(diff(joined, target), { steps: [], foreign: [] });
  t.deepEqual(lines(joined, [bridge("br0")]), ["ovs-vsctl del-port br0 p1"]);
  t.deepEqual(lines(joined, []), ["ovs-vsctl del-br br0"]);
});

test("a link of somebody else in the place of a bridge is refused in its own words", (t) => {
  const { steps, foreign } = diff({ ...NICS, link: [{ ...physicalNic("br0", 5), type: "bridge" }] }, [bridge("br0")]);
  t.deepEqual(steps, []);
  t.regex(foreign.join(), /Open vSwitch bridge br0: link br0 exists \(bridge, down, .*\) and is not Netloom's/u);
});

test("a bridge of the kernel and one of Open vSwitch take each other's place in one round", (t) => {
  const linux = [{ kind: "link", netns: "", name: "br0", type: "bridge" } as const];
  const ovs = [bridge("br0", [{ name: "p1" }])];
  for (const [from, to] of [
    [linux, ovs],
    [ovs, linux],
  ] as const) {
    const reached = after(to, after(from));
    t.deepEqual(diff(reached, to), { steps: [], foreign: [] });
  }
});

test("a port that ovs-vswitchd cannot use is set again", (t) => {
  const target = [bridge("br0", [{ name: "p1" }])];
  const made = after(target);
  const broken = {
    ...made,
    ovs: made.ovs.map((one) => ({
      ...one,
      ports: one.ports.map((own) => (own.name === "p1" ? { ...own, error: "no" } : own)),
    })),
  };
  t.deepEqual(lines(broken, target), ["ovs-vsctl --may-exist add-br br0 -- --may-exist add-port br0 p1"]);
});
