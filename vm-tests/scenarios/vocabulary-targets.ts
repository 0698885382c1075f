import { createHash } from "node:crypto";
import { fromPrivate } from "../../src/host/wireguard-keys.ts";
import { Secret } from "../../src/lib/secret.ts";
import type { KernelObject } from "../../src/model/kernel.ts";

const key = (seed: string): string => createHash("sha256").update(seed).digest("base64");

/** Keys as plain text, as `netloom-test target` takes them. */
const PRIVATE = key("private");
export const PUBLIC: string = fromPrivate(new Secret(PRIVATE)).publicKey;
const PRESHARED = key("preshared");
/** Peers of the second device: more than fit into one message. */
const CROWD = 200;

const HOST = "";
const IN = "vocab";

/** What changes between the two targets. */
interface Variant {
  readonly vlan: number;
  readonly tagged: number;
  readonly mode: "active-backup" | "802.3ad";
  readonly preshared: string | undefined;
  readonly fwmark: number;
  readonly metric: number;
}

/**
 * Every kind of object that the development kernel lacks, and the others beside it: a VLAN filtering bridge with tagged ports, a bond
 * of two links, VLANs on a link and on the bond, WireGuard with a preshared key and with many peers.
 */
export function everything({ vlan, tagged, mode, preshared, fwmark, metric }: Variant): string {
  const objects: readonly (KernelObject | Readonly<Record<string, unknown>>)[] = [
    { kind: "netns", name: IN },
    { kind: "link", netns: HOST, name: "d1", type: "dummy", master: "team" },
    { kind: "link", netns: HOST, name: "d2", type: "dummy", master: "team" },
    { kind: "link", netns: HOST, name: "team", type: "bond", options: { mode, miimon: 100 } },
    { kind: "link", netns: HOST, name: "team.7", type: "vlan", lower: at("team"), options: { id: vlan } },
    { kind: "link", netns: IN, name: "inner", type: "vlan", lower: at("team"), options: { id: vlan + 1 } },
    { kind: "link", netns: HOST, name: "br", type: "bridge", options: { vlanFiltering: true }, vlans: [self(tagged)] },
    {
      kind: "link",
      netns: HOST,
      name: "v0",
      type: "veth",
      mac: "02:00:00:00:01:01",
      master: "br",
      port: { isolated: true, guard: true },
      vlans: [self(tagged), { id: tagged + 1 }],
      peer: { netns: IN, name: "eth0", mac: "02:00:00:00:01:02" },
    },
    {
      kind: "link",
      netns: IN,
      name: "eth0",
      type: "veth",
      mac: "02:00:00:00:01:02",
      bornWith: at("v0"),
    },
    { kind: "fdb", netns: HOST, dev: "v0", mac: "02:00:00:00:00:aa" },
    { kind: "fdb", netns: HOST, dev: "v0", mac: "02:00:00:00:00:bb", vlan: tagged },
    { kind: "link", netns: HOST, name: "x0", type: "vxlan", master: "br", options: { vni: 42, port: 4789 } },
    { kind: "fdb", netns: HOST, dev: "x0", mac: "00:00:00:00:00:00", remote: "192.0.2.1" },
    { kind: "link", netns: IN, name: "mv", type: "macvlan", lower: at("eth0", IN), options: { mode: "bridge" } },
    { kind: "link", netns: HOST, name: "t0", type: "tun", options: { mode: "tap", owner: 1000 }, master: "br" },
    { kind: "link", netns: HOST, name: "if9", type: "ifb" },
    { kind: "address", netns: IN, dev: "eth0", address: "10.30.0.1/24" },
    { kind: "address", netns: IN, dev: "eth0", address: "fd30::1/64" },
    { kind: "route", netns: IN, to: "10.31.0.0/16", via: "10.30.0.9", dev: "eth0", metric },
    { kind: "rule", netns: IN, family: 4, priority: 100, fwmark: { value: 7, mask: 0xff }, table: 7 },
    { kind: "neighbor", netns: IN, dev: "eth0", to: "10.30.0.5", mac: "02:00:00:00:00:55" },
    { kind: "link", netns: IN, name: "w0", type: "wireguard" },
    {
      kind: "wireguard",
      netns: IN,
      dev: "w0",
      privateKey: PRIVATE,
      publicKey: PUBLIC,
      listenPort: 51900,
      fwmark,
      peers: [
        {
          publicKey: key("peer"),
          endpoint: "192.0.2.7:51820",
          allowedIps: ["10.40.0.0/24", "fd40::/64"],
          keepalive: 20,
          ...(preshared === undefined ? {} : { presharedKey: preshared }),
        },
        ...Array.from({ length: CROWD }, (_unused, n) => ({
          publicKey: key(`peer ${n}`),
          allowedIps: [`10.41.${n}.0/24`],
          keepalive: 0,
        })),
      ],
    },
  ];
  return JSON.stringify(objects);
}

function at(name: string, netns: string = HOST): { readonly netns: string; readonly name: string } {
  return { netns, name };
}

function self(id: number): { readonly id: number; readonly pvid: true; readonly untagged: true } {
  return { id, pvid: true, untagged: true };
}

export const FIRST: Variant = {
  vlan: 100,
  tagged: 10,
  mode: "active-backup",
  preshared: PRESHARED,
  fwmark: 0,
  metric: 5,
};

export const SECOND: Variant = {
  vlan: 200,
  tagged: 20,
  mode: "802.3ad",
  preshared: undefined,
  fwmark: 9,
  metric: 6,
};
