import { NetloomError } from "../lib/errors.ts";
import { cidr, contains } from "../lib/ip.ts";
import { API_VERSION, type NetworkResourceDocument, type WireguardPeerDocument } from "../model/document.ts";
import { formatEndpoint } from "../model/fields.ts";
import { meshAddress, subnetAt } from "./addressing.ts";

/** A node of a mesh. Only its public key is known here: private keys stay on their nodes. */
export interface MeshNode {
  /** How the caller calls it. */
  readonly id: string;
  /** As `netloom key RESOURCE` prints it. */
  readonly publicKey: string;
  /** Address under which the other nodes reach it; a hidden node has none and calls the others. */
  readonly address?: string;
  readonly listenPort: number;
  /** Its /24; by default the next free one of the range, from x.y.1.0/24 on. */
  readonly subnet?: string;
}

export interface Mesh {
  /** Name of the resource on every node. */
  readonly name: string;
  /** The whole network, a /16. */
  readonly range: string;
  readonly nodes: readonly MeshNode[];
}

/**
 * Plans a full mesh: one network resource per node, by node id, each with all others as peers.
 * Pure. Throws when the nodes cannot all be placed, naming those concerned.
 */
export function planMesh(mesh: Mesh): ReadonlyMap<string, NetworkResourceDocument> {
  const placed = place(mesh);
  for (const [index, node] of placed.entries()) {
    const twin = placed.slice(0, index).find((other) => other.id === node.id || other.subnet === node.subnet || other.publicKey === node.publicKey);
    if (twin !== undefined) throw refusal(mesh, `nodes ${twin.id} and ${node.id} have the same ${twin.id === node.id ? "id" : twin.subnet === node.subnet ? "subnet" : "key"}`);
  }
  return new Map(placed.map((node) => [node.id, resourceOf(mesh, node, placed)]));
}

type Placed = MeshNode & { readonly subnet: string };

function place({ range, nodes, ...mesh }: Mesh): readonly Placed[] {
  const given = new Set(nodes.flatMap((node) => node.subnet ?? []));
  const outside = nodes.find((node) => node.subnet !== undefined && !contains(cidr(range), cidr(node.subnet)));
  if (outside !== undefined) throw refusal(mesh, `the subnet ${outside.subnet ?? ""} of node ${outside.id} lies outside ${range}`);
  // x.y.0.0/24 stays free, as seed 003 counts from 1 to 254.
  const free = Array.from({ length: 254 }, (_unused, index) => subnetAt(range, index + 1)).filter((subnet) => !given.has(subnet));
  let next = 0;
  return nodes.map((node) => {
    const subnet = node.subnet ?? free[next++];
    if (subnet === undefined) throw refusal(mesh, `${range} has no /24 left for node ${node.id}: a range takes 254 nodes`);
    return { ...node, subnet };
  });
}

function resourceOf({ name, range }: Mesh, node: Placed, all: readonly Placed[]): NetworkResourceDocument {
  const peers = all.filter((other) => other.id !== node.id).map(peerOf);
  return { apiVersion: API_VERSION, kind: "NetworkResource", name, subnet: node.subnet, range, wireguard: { listenPort: node.listenPort, peers } };
}

function peerOf({ publicKey, address, listenPort, subnet }: Placed): WireguardPeerDocument {
  return {
    publicKey,
    ...(address === undefined ? {} : { endpoint: formatEndpoint(address, listenPort) }),
    allowedIps: [subnet, `${meshAddress(subnet)}/32`],
    keepalive: 20,
  };
}

function refusal({ name }: { readonly name: string }, why: string): NetloomError {
  return new NetloomError({ code: "refused", op: "plan mesh", target: name, why });
}
