import { cidr, formatCidr, hostAt } from "../../../src/lib/ip.ts";
import { networkOfNic, type NicSpec } from "../topology.ts";

/** Where a node stands in its topology: all that a role may derive from beside its own keys. */
export type RolePlace = {
  readonly node: string;
  /** Names of all nodes and networks, in the order of the topology. */
  readonly nodes: readonly string[];
  readonly networks: readonly string[];
};

/** How many networks have a range of their own. */
export const rangedNetworks = 200;

/** The IPv4 network of a layer-2 network when nobody gives another: 192.168.50.0/24 for the first, .51 for the next, … */
export function networkCidr(networks: readonly string[], network: string): string {
  return `192.168.${50 + Math.max(0, networks.indexOf(network))}.0/24`;
}

/** The IPv6 one, unique local (RFC 4193): fd50::/64 for the first, fd50:0:0:1::/64 for the next, … */
export function networkCidr6(networks: readonly string[], network: string): string {
  const position = networks.indexOf(network);
  return position <= 0 ? "fd50::/64" : `fd50:0:0:${position.toString(16)}::/64`;
}

/** The n-th address of a network with its prefix length: ("10.1.0.0/24", 1) gives "10.1.0.1/24". */
export function hostOf(network: string, n: number): string {
  return formatCidr(hostAt(cidr(network), n));
}

/** Without the prefix length. */
export function addressOf(text: string): string {
  return text.split("/", 1)[0] ?? text;
}

/** Where fixed addresses of nodes begin; servers have the first ones, and DHCP gives away the upper three quarters. */
const firstNode = 10;

/** What "auto" means for a NIC of a node. */
export function autoAddress({ node, nodes, networks }: RolePlace, nic: NicSpec): string {
  return hostOf(networkCidr(networks, networkOfNic(nic)), firstNode + Math.max(0, nodes.indexOf(node)));
}
