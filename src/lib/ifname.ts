import { shortHash } from "./hash.ts";

/** Longest document name: `w-` + name has to be an interface name, of 15 characters at most (IFNAMSIZ in linux/if.h). */
export const NAME_MAX = 13;

/**
 * The host end of a veth pair whose other end is `inner` in the namespace of `owner`.
 * Hashed, because names that share a prefix must not collide (COMPAT.md 4.1), and never above 15 characters.
 */
export function hostVethName(owner: string, inner: string): string {
  return `v${shortHash(`${owner}/${inner}`, 10)}`;
}

/**
 * A locally administered unicast MAC derived from a seed text, so that a link keeps it over re-creation.
 * Always given at creation: left to the kernel, udev rewrites it later (FINDINGS.md 3.12).
 */
export function derivedMac(seed: string): string {
  const digits = shortHash(seed, 10);
  return `02:${digits.match(/../gu)?.join(":") ?? ""}`;
}

/** IFNAMSIZ without its final NUL (linux/if.h). */
const IFNAME_MAX = 15;

/** The VLAN link on a NIC: "eth0.100", the name that ip-link(8) and dracut.cmdline(7) use; a hash where that is too long. */
export function vlanLinkName(nic: string, id: number): string {
  const name = `${nic}.${id}`;
  return name.length <= IFNAME_MAX ? name : `v${shortHash(name, 8)}.${id}`;
}
