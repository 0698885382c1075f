import type { Topology } from "../harness/topology.ts";
import { GATEWAY, NETWORK } from "./gateway.ts";

/** The nodes that join the mesh. They get nothing but a kernel command line. */
export const MEMBERS = ["node1", "node2", "node3"] as const;

/** A gateway and three nodes on one link. They boot from cold: that they do so from the image is what is shown. */
export const TOPOLOGY: Topology = {
  networks: [NETWORK],
  nodes: {
    gateway: { ...GATEWAY, boot: "cold" },
    ...Object.fromEntries(MEMBERS.map((name) => [name, { nics: [NETWORK], boot: "cold" }])),
  },
};
