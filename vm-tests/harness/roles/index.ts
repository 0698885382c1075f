import { networkOfNic, type NodeSpec, type Topology, type TopologyIssue } from "../topology.ts";
import type { NodeDeclaration, RoleName, TopologyDeclaration } from "../topology-schema.ts";
import { debian } from "./debian.ts";
import { gateway } from "./gateway.ts";
import { natRouter } from "./nat-router.ts";
import { rangedNetworks, type RolePlace } from "./place.ts";
import { pxeClient } from "./pxe-client.ts";

export const roleNames: readonly RoleName[] = ["gateway", "nat-router", "debian", "pxe-client"];

/** The topology that a declaration stands for: each role has become a node. */
export function resolveRoles({ networks, nodes }: TopologyDeclaration): Topology {
  const names = Object.keys(nodes);
  return {
    networks,
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([node, spec]) => [node, resolveNode(spec, { node, nodes: names, networks })]),
    ),
  };
}

function resolveNode(node: NodeDeclaration, place: RolePlace): NodeSpec {
  switch (node.role) {
    case undefined:
      return node;
    case "gateway":
      return gateway(node, place);
    case "nat-router":
      return natRouter(node, place);
    case "debian":
      return debian(node, place);
    case "pxe-client":
      return pxeClient(node);
  }
}

/** What is wrong with the roles of a topology: wrong numbers of NICs, two servers for one network. */
export function roleIssues({ networks, nodes }: TopologyDeclaration): readonly TopologyIssue[] {
  const ofNodes = Object.entries(nodes).flatMap(([name, node]) =>
    nodeIssues(node).map(({ path, message }) => ({ path: ["nodes", name, ...path], message })),
  );
  const servers = Object.entries(nodes).flatMap(([name, node]) =>
    servedNics(node).map((index) => ({ name, index, network: networkOfNic(node.nics[index] ?? "") })),
  );
  const rivals = [...Map.groupBy(servers, ({ network }) => network)].flatMap(([network, [first, ...others]]) =>
    others.map(({ name, index }) => ({
      path: ["nodes", name, "nics", index],
      message: `node "${name}" would be a second DHCP server in "${network}" beside "${first?.name ?? ""}"`,
    })),
  );
  const many = { path: ["networks"], message: `there are more than ${rangedNetworks} networks` };
  return [...ofNodes, ...rivals, ...(networks.length > rangedNetworks ? [many] : [])];
}

/** Positions of the NICs on which a node serves DHCP. */
function servedNics(node: NodeDeclaration): readonly number[] {
  if (node.role === "gateway") return node.nics.map((_nic, index) => index);
  return node.role === "nat-router" && node.nics.length > 1 ? [1] : [];
}

function nodeIssues(node: NodeDeclaration): readonly TopologyIssue[] {
  const count = node.nics.length;
  switch (node.role) {
    case undefined:
      return [];
    case "gateway": {
      if (count === 0) return [{ path: ["nics"], message: "a gateway needs a NIC in the network that it serves" }];
      const keys = (["cidr", "cidr6"] as const).filter((key) => count > 1 && node[key] !== undefined);
      return keys.map((key) => ({ path: [key], message: `is for a gateway with one NIC, this one has ${count}` }));
    }
    case "nat-router":
      return count === 2
        ? []
        : [{ path: ["nics"], message: `a nat-router has two NICs, outside and inside, not ${count}` }];
    case "debian":
      return (node.addresses ?? []).length > count
        ? [{ path: ["addresses", count], message: `there are only ${count} NICs for addresses` }]
        : [];
    case "pxe-client":
      return count > 0 ? [] : [{ path: ["nics"], message: "a pxe-client needs a NIC to boot from" }];
  }
}
