import { zstdCompressSync } from "node:zlib";
import type { Topology } from "../harness/topology.ts";

/** The nodes that join the mesh. They get nothing but a kernel command line. */
export const MEMBERS = ["node1", "node2", "node3"] as const;

/** The one link-layer network, and what the gateway gives out in it. */
export const NETWORK = "lan";

/** Everything that the gateway does is in these documents, which it gets on its kernel command line. */
export const GATEWAY_DOCUMENTS = `apiVersion: netloom/v1
kind: Node
hostname: gateway
uplink:
  mode: none
ntpServe: [192.168.50.0/24]
---
apiVersion: netloom/v1
kind: Lan
name: lab
cidr: 192.168.50.0/24
gateway: 192.168.50.1
ipv6:
  cidr: fd50::/64
dhcp: true
ntp: [192.168.50.1]
nics: [eth0]
`;

/** A gateway and three nodes on one link. */
export const TOPOLOGY: Topology = {
  networks: [NETWORK],
  nodes: {
    gateway: { nics: [NETWORK], cmdline: `netloom.config=${inlineConfig(GATEWAY_DOCUMENTS)}` },
    ...Object.fromEntries(MEMBERS.map((name) => [name, { nics: [NETWORK] }])),
  },
};

/** Documents as a word of the kernel command line: base64 of a zstd frame. */
export function inlineConfig(yaml: string): string {
  return `inline:${zstdCompressSync(yaml).toString("base64")}`;
}
