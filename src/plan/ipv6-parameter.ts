import type { SysctlSpec } from "../model/kernel.ts";

/** A parameter of IPv6 of one link (ip-sysctl); a dot in the link's name is written "/" there (sysctl(8)). */
export function ipv6Parameter(netns: string, dev: string, name: string, value: string): SysctlSpec {
  return { kind: "sysctl", netns, dev, key: `net.ipv6.conf.${dev.replaceAll(".", "/")}.${name}`, value };
}
