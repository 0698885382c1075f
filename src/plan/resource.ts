import { derivedMac, hostVethName } from "../lib/ifname.ts";
import type { NetworkResourceDocument } from "../model/document.ts";
import type { Facts } from "../model/facts.ts";
import { HOST, type KernelObject, type LinkSpec } from "../model/kernel.ts";
import { gatewayAddress, meshAddress } from "../sdk/addressing.ts";
import { compileResourceFirewall } from "./firewall.ts";
import { ipv6Parameter } from "./ipv6-parameter.ts";

/** WireGuard's overhead on IPv6, so that a packet fits the network below for both families. */
const WIREGUARD_OVERHEAD = 80;
const ETHERNET_MTU = 1500;

/** The network that WireGuard's own packets go by. */
export interface Underlay {
  /** The namespace of its sockets; the node's own when left out. */
  readonly bornIn?: string;
  /** Null is Ethernet's. */
  readonly mtu: number | null;
}

/** Names of a network resource, as seed 000 and netlight have them. */
export interface ResourceNames {
  readonly netns: string;
  readonly privateBridge: string;
  readonly myceliumBridge: string;
  readonly wireguard: string;
}

export function resourceNames(name: string): ResourceNames {
  return { netns: `n${name}`, privateBridge: `r${name}`, myceliumBridge: `m${name}`, wireguard: `w-${name}` };
}

/**
 * A network resource: namespace, private and mycelium bridge, a veth pair from each into the namespace,
 * addresses, firewall, and the WireGuard link to the other nodes. The order of creation is seed 000's (`order.ts`).
 */
export function compileResource(
  resource: NetworkResourceDocument,
  facts: Pick<Facts, "wireguardKeys">,
  underlay: Underlay,
): readonly KernelObject[] {
  const names = resourceNames(resource.name);
  const { netns } = names;
  const objects: KernelObject[] = [
    bridge(names.privateBridge),
    bridge(names.myceliumBridge),
    // The segments belong to the members; the node takes no part in them.
    ...[names.privateBridge, names.myceliumBridge].map((dev) => ipv6Parameter(HOST, dev, "disable_ipv6", "1")),
    { kind: "netns", name: netns },
    { kind: "sysctl", netns, key: "net.ipv4.ip_forward", value: "1" },
    { kind: "sysctl", netns, key: "net.ipv6.conf.all.forwarding", value: "1" },
    ...vethPair(resource.name, netns, "private", names.privateBridge),
    ...vethPair(resource.name, netns, "mycelium", names.myceliumBridge),
    { kind: "address", netns, dev: "private", address: `${gatewayAddress(resource.subnet)}/24` },
    compileResourceFirewall(netns, resource.wireguard === undefined ? undefined : names.wireguard),
  ];
  return [...objects, ...compileWireguard(resource, names, facts, underlay)];
}

function compileWireguard(
  resource: NetworkResourceDocument,
  names: ResourceNames,
  facts: Pick<Facts, "wireguardKeys">,
  { bornIn, mtu }: Underlay,
): readonly KernelObject[] {
  if (resource.wireguard === undefined) return [];
  const key = facts.wireguardKeys[resource.name];
  const { netns, wireguard: dev } = names;
  const { listenPort, peers } = resource.wireguard;
  return [
    {
      kind: "link",
      netns,
      name: dev,
      type: "wireguard",
      mtu: (mtu ?? ETHERNET_MTU) - WIREGUARD_OVERHEAD,
      ...(bornIn === undefined ? {} : { bornIn }),
    },
    // A key that cannot be read must not end the sessions of a device that has it.
    ...(key === undefined ? [] : [{ kind: "wireguard", netns, dev, ...key, listenPort, peers } as const]),
    { kind: "address", netns, dev, address: `${meshAddress(resource.subnet)}/16` },
    // One route for the whole network: the local /24 wins by its length, cryptokey routing decides the rest.
    { kind: "route", netns, to: resource.range, dev },
  ];
}

function bridge(name: string): LinkSpec {
  return { kind: "link", netns: HOST, name, type: "bridge", mac: derivedMac(name) };
}

function vethPair(owner: string, netns: string, name: string, master: string): readonly LinkSpec[] {
  const host = hostVethName(owner, name);
  const mac = derivedMac(`${netns}/${name}`);
  return [
    { kind: "link", netns: HOST, name: host, type: "veth", mac: derivedMac(host), master, peer: { netns, name, mac } },
    { kind: "link", netns, name, type: "veth", mac, bornWith: { netns: HOST, name: host } },
  ];
}
