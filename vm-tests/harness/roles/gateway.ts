import { zstdCompressSync } from "node:zlib";
import { stringify } from "yaml";
import type { GatewayNode } from "../topology-schema.ts";
import { networkOfNic, type NodeSpec } from "../topology.ts";
import { extend } from "./extend.ts";
import { addressOf, hostOf, networkCidr, networkCidr6, type RolePlace } from "./place.ts";

/**
 * Netloom on each of its networks: DHCPv4 and DHCPv6, router advertisements, DNS and the time for all others. What it does is in
 * documents on its kernel command line, as an operator would give them.
 */
export function gateway(node: GatewayNode, place: RolePlace): NodeSpec {
  const { role: _role, cidr, cidr6, ntp = true, ...own } = node;
  const lans = own.nics.map((nic, index) => {
    const network = networkOfNic(nic);
    const range = cidr ?? networkCidr(place.networks, network);
    const address = addressOf(hostOf(range, 1));
    return {
      apiVersion: "netloom/v1",
      kind: "Lan",
      name: index === 0 ? "lab" : `lab${index}`,
      cidr: range,
      gateway: address,
      ipv6: { cidr: cidr6 ?? networkCidr6(place.networks, network) },
      dhcp: true,
      ...(ntp ? { ntp: [address] } : {}),
      nics: [`eth${index}`],
    };
  });
  const self = {
    apiVersion: "netloom/v1",
    kind: "Node",
    hostname: place.node,
    uplink: { mode: "none" },
    ...(ntp ? { ntpServe: lans.map((lan) => lan.cidr) } : {}),
  };
  const documents = [self, ...lans].map((document) => stringify(document)).join("---\n");
  return extend(own, { cmdline: `netloom.config=${inlineConfig(documents)}` });
}

/** Documents as a word of the kernel command line: base64 of a zstd frame. */
function inlineConfig(yaml: string): string {
  return `inline:${zstdCompressSync(yaml).toString("base64")}`;
}
