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

test("WireGuard is asked for in the node's own namespace, where its UDP socket stays", (t) => {
  const spec: LinkSpec = { kind: "link", netns: "ndemo", name: "w-demo", type: "wireguard", mtu: 1420 };
  t.like(netlinkStep({ op: "link.add", args: spec }), {
    netns: "",
    request: { type: "wireguard", netnsPath: "/run/netns/ndemo", mtu: 1420, group: 0x4e4c },
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
