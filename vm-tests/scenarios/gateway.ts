import { zstdCompressSync } from "node:zlib";
import type { NodeSpec } from "../harness/topology.ts";

/** The link-layer network that the gateway serves. */
export const NETWORK = "lan";

/** The gateway's own address in it. */
export const GATEWAY_ADDRESS = "192.168.50.1";

/** Everything that the gateway does is in these documents, which it gets on its kernel command line. */
const GATEWAY_DOCUMENTS = `apiVersion: netloom/v1
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
gateway: ${GATEWAY_ADDRESS}
ipv6:
  cidr: fd50::/64
dhcp: true
ntp: [${GATEWAY_ADDRESS}]
nics: [eth0]
`;

/** A node that gives addresses by DHCPv4, DHCPv6 and router advertisements, and the time, to all others on `NETWORK`. */
export const GATEWAY: NodeSpec = {
  nics: [NETWORK],
  cmdline: `netloom.config=${inlineConfig(GATEWAY_DOCUMENTS)}`,
};

/** Documents as a word of the kernel command line: base64 of a zstd frame. */
function inlineConfig(yaml: string): string {
  return `inline:${zstdCompressSync(yaml).toString("base64")}`;
}
