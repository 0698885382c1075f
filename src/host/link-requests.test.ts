import test from "ava";
import type { LinkSpec } from "../model/kernel.ts";
import { netlinkStep } from "./link-requests.ts";

const pair = (netns: string, far: string): LinkSpec => ({
  kind: "link",
  netns,
  name: "v0",
  type: "veth",
  peer: { netns: far, name: "v1", mac: "02:00:00:00:00:01" },
});

const farPlace = (netns: string, far: string): unknown => {
  const { request } = netlinkStep({ op: "link.add", args: pair(netns, far) }) ?? {};
  return request !== undefined && "peer" in request ? request.peer?.netnsPath : "no veth";
};

test("the far end of a pair is born where it belongs, wherever the near one is", (t) => {
  t.is(farPlace("", "ndemo"), "/run/netns/ndemo");
  t.is(farPlace("ndemo", "nother"), "/run/netns/nother");
  // The request is sent inside ndemo, where leaving the place out would mean ndemo.
  t.is(farPlace("ndemo", ""), "/proc/self/ns/net");
  t.is(farPlace("", ""), undefined);
  t.is(farPlace("ndemo", "ndemo"), undefined);
});

test("WireGuard is asked for where its UDP socket stays, in the node's own namespace unless told otherwise", (t) => {
  const spec: LinkSpec = { kind: "link", netns: "ndemo", name: "w-demo", type: "wireguard", mtu: 1420 };
  t.like(netlinkStep({ op: "link.add", args: spec }), {
    netns: "",
    request: { type: "wireguard", netnsPath: "/run/netns/ndemo", mtu: 1420, group: 0x4e4c },
  });
  t.like(netlinkStep({ op: "link.add", args: { ...spec, bornIn: "public" } }), {
    netns: "public",
    request: { type: "wireguard", netnsPath: "/run/netns/ndemo" },
  });
});

test("everything that is made carries its mark in the request that makes it", (t) => {
  t.like(netlinkStep({ op: "link.add", args: pair("", "ndemo") }), {
    request: { group: 0x4e4c, peer: { group: 0x4e4c } },
  });
  t.like(netlinkStep({ op: "address.add", args: { kind: "address", netns: "", dev: "v0", address: "10.0.0.1/24" } }), {
    request: { proto: 78 },
  });
  t.like(netlinkStep({ op: "route.del", args: { kind: "route", netns: "", dev: "v0", to: "10.0.0.0/24" } }), {
    request: { protocol: 78, scope: "link" },
  });
});

test("a link that sits on another is asked for where that one is, and born where it belongs", (t) => {
  const spec: LinkSpec = {
    kind: "link",
    netns: "ndemo",
    name: "vlan5",
    type: "vlan",
    options: { id: 5 },
    lower: { netns: "", name: "eth1" },
  };
  t.deepEqual(netlinkStep({ op: "link.add", args: spec }), {
    netns: "",
    request: {
      op: "link.add",
      name: "vlan5",
      type: "vlan",
      group: 0x4e4c,
      up: true,
      lower: "eth1",
      options: { id: 5 },
      netnsPath: "/run/netns/ndemo",
    },
  });
});

test("a port of a bond is made switched off", (t) => {
  const port: LinkSpec = { kind: "link", netns: "", name: "p0", type: "dummy" };
  t.like(netlinkStep({ op: "link.add", args: { ...port, down: true } }), { request: { type: "dummy", up: false } });
});

test("lifetimes are told as what is left of them", (t) => {
  const address = { kind: "address", netns: "", dev: "eth0", address: "10.0.0.1/24" } as const;
  const request = (part: object): unknown =>
    netlinkStep({ op: "address.add", args: { ...address, ...part } }, 1000)?.request;
  t.like(request({ validUntil: 1600, preferredUntil: 1300 }), { validLifetime: 600, preferredLifetime: 300 });
  t.like(request({ validUntil: 1600 }), { validLifetime: 600, preferredLifetime: 600 });
  // The kernel refuses a lifetime of nothing; a second later it is gone as well.
  t.like(request({ validUntil: 900, preferredUntil: 800 }), { validLifetime: 1, preferredLifetime: 0 });
  t.false(Object.hasOwn(request({}) as object, "validLifetime"));
});

test("rules, neighbours and forwarding entries carry their mark where the kernel has a place for one", (t) => {
  t.deepEqual(
    netlinkStep({ op: "rule.add", args: { kind: "rule", netns: "ndemo", family: 4, priority: 7, table: 9 } }),
    {
      netns: "ndemo",
      request: { op: "rule.add", family: 4, priority: 7, table: 9, protocol: 78 },
    },
  );
  const neighbor = { kind: "neighbor", netns: "", dev: "v0", to: "10.0.0.5", mac: "02:00:00:00:00:01" } as const;
  t.like(netlinkStep({ op: "neighbor.add", args: neighbor }), { request: { protocol: 78, mac: neighbor.mac } });
  t.deepEqual(netlinkStep({ op: "neighbor.del", args: neighbor })?.request, {
    op: "neighbor.del",
    dev: "v0",
    to: "10.0.0.5",
  });
  const entry = { kind: "fdb", netns: "", dev: "x0", mac: "00:00:00:00:00:00" } as const;
  t.deepEqual(netlinkStep({ op: "fdb.add", args: { ...entry, remote: "192.0.2.1" } })?.request, {
    op: "fdb.add",
    dev: "x0",
    mac: "00:00:00:00:00:00",
    remote: "192.0.2.1",
  });
});

test("a route that leads nowhere has no link and no scope", (t) => {
  t.deepEqual(
    netlinkStep({ op: "route.add", args: { kind: "route", netns: "", to: "10.0.0.0/8", type: "blackhole" } })?.request,
    { op: "route.add", to: "10.0.0.0/8", type: "blackhole", protocol: 78 },
  );
});

test("what cannot be made is refused before anything is sent", (t) => {
  const nic: LinkSpec = { kind: "link", netns: "", name: "eth7", type: "physical" };
  t.throws(() => netlinkStep({ op: "link.add", args: nic }), { message: /NIC eth7 cannot be made/u });
});
