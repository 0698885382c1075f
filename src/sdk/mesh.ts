import { NetloomError } from "../lib/errors.ts";
import { cidr, contains } from "../lib/ip.ts";
import { API_VERSION, type NetworkResourceDocument, type WireguardPeerDocument } from "../model/document.ts";
import { formatEndpoint } from "../model/fields.ts";
import { meshAddress, subnetAt } from "./addressing.ts";

/** A /16 has 256 of them; x.y.0.0/24 and the last stay free, as seed 003 counts from 1 to 254. */
const MOST_NODES = 254;

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
  for (const [what, of] of Object.entries(UNIQUE)) {
    for (const [a, b] of Map.groupBy(placed, of).values()) {
      if (a !== undefined && b !== undefined) throw refusal(mesh, `nodes ${a.id} and ${b.id} have the same ${what}`);
    }
  }
  return new Map(placed.map((node) => [node.id, resourceOf(mesh, node, placed)]));
}

type Placed = MeshNode & { readonly subnet: string };

/** What no two nodes of a mesh may share. */
const UNIQUE: Readonly<Record<string, (node: Placed) => string>> = {
  id: ({ id }) => id,
  subnet: ({ subnet }) => subnet,
  key: ({ publicKey }) => publicKey,
};

function place({ range, nodes, ...mesh }: Mesh): readonly Placed[] {
  const given = new Set(nodes.flatMap((node) => node.subnet ?? []));
  const outside = nodes.find((node) => node.subnet !== undefined && !contains(cidr(range), cidr(node.subnet)));
  if (outside !== undefined)
    throw refusal(mesh, `the subnet ${outside.subnet ?? ""} of node ${outside.id} lies outside ${range}`);
  let next = 0;
  return nodes.map((node) => {
    let subnet = node.subnet;
    while (subnet === undefined) {
      next += 1;
      if (next > MOST_NODES)
        throw refusal(mesh, `${range} has no /24 left for node ${node.id}: a range takes ${MOST_NODES} nodes`);
      const candidate = subnetAt(range, next);
      if (!given.has(candidate)) subnet = candidate;
    }
    return { ...node, subnet };
  });
}

function resourceOf({ name, range }: Mesh, node: Placed, all: readonly Placed[]): NetworkResourceDocument {
  const peers = all.filter((other) => other.id !== node.id).map(peerOf);
  return {
    apiVersion: API_VERSION,
    kind: "NetworkResource",
    name,
    subnet: node.subnet,
    range,
    wireguard: { listenPort: node.listenPort, peers },
  };
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
