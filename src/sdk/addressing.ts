import { cidr, formatCidr, hostAt } from "../lib/ip.ts";

/** The address of a resource inside its mesh: x.A.B.0/24 becomes 100.64.A.B (COMPAT.md 3.3, byte-compatible with zos). */
export function meshAddress(subnet: string): string {
  const [, a, b] = cidr(subnet).address.split(".");
  return `100.64.${a ?? "0"}.${b ?? "0"}`;
}

/** The n-th /24 of a /16, counted from 0. */
export function subnetAt(range: string, n: number): string {
  return formatCidr({ ...hostAt(cidr(range), n * 256), prefix: 24 });
}

/** The resource's own address in its subnet, which is its members' gateway: the first host address. */
export function gatewayAddress(subnet: string): string {
  return hostAt(cidr(subnet), 1).address;
}
