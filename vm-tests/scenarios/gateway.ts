import { gateway } from "../harness/roles/gateway.ts";
import { addressOf, hostOf, networkCidr } from "../harness/roles/place.ts";
import type { NodeSpec } from "../harness/topology.ts";

/** The link-layer network that the gateway serves; the first one in topologies that use it. */
export const NETWORK = "lan";

const networks = [NETWORK];

/** The gateway's own address in it. */
export const GATEWAY_ADDRESS: string = addressOf(hostOf(networkCidr(networks, NETWORK), 1));

/** A node that gives addresses by DHCPv4, DHCPv6 and router advertisements, and the time, to all others on `NETWORK`. */
export const GATEWAY: NodeSpec = gateway(
  { role: "gateway", nics: networks },
  { node: "gateway", nodes: ["gateway"], networks },
);
