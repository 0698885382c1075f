import { isLinkLocal } from "../lib/ip.ts";
import type { ProbeFact } from "../model/facts.ts";
import { HOST, type FileSpec } from "../model/kernel.ts";
import { PUBLIC } from "../model/public-names.ts";
import type { NodeSettings } from "../model/settings.ts";

/** What a network said; `link` is where link-local addresses of it are reached. */
type Heard = Pick<ProbeFact, "lease4" | "lease6" | "ra"> | undefined;

/** Name servers in the order in which they are asked: those of the settings, of DHCPv4, of DHCPv6, of router advertisements. */
export function nameServers({ dns, leaseDns }: NodeSettings, heard: Heard, link: string): readonly string[] {
  const { lease4, lease6, ra } = heard ?? {};
  const leased = leaseDns.value ? [...(lease4?.dns ?? []), ...(lease6?.dns ?? []), ...(ra?.dns ?? [])] : [];
  return [...new Set([...dns.value, ...leased].map((server) => withZone(server, link)))];
}

/** Domains in which short names are looked up, likewise in order (RFC 3397, RFC 3646, RFC 8106). */
export function searchList({ leaseDns }: NodeSettings, heard: Heard): readonly string[] {
  if (!leaseDns.value) return [];
  const { lease4, lease6, ra } = heard ?? {};
  return [...new Set([...(lease4?.search ?? []), ...(lease6?.search ?? []), ...(ra?.search ?? [])])];
}

/** Time servers: those of the settings, then those of the leases. */
export function timeServers({ ntp }: NodeSettings, heard: Heard): readonly string[] {
  const { lease4, lease6 } = heard ?? {};
  return [...new Set([...ntp.value, ...(lease4?.ntp ?? []), ...(lease6?.ntp ?? [])])];
}

/** The name servers of the public side on a Zero-OS node (COMPAT.md 2.2). */
const PUBLIC_DNS = ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888"];

/** resolv.conf of the public side: never the uplink's, whose servers are others' affair and often not to be reached from there. */
export function publicResolver(dns: readonly string[] = PUBLIC_DNS): FileSpec {
  return compileResolver(PUBLIC.netns, { dns, search: [] });
}

/** A link-local address is one on a link only (RFC 4007 section 11): "fe80::1%zos". */
function withZone(server: string, link: string): string {
  return isLinkLocal(server) && !server.includes("%") ? `${server}%${link}` : server;
}

/** Whom the programs of a namespace ask for names. */
export interface Resolver {
  readonly dns: readonly string[];
  readonly search: readonly string[];
}

/**
 * resolv.conf(5) of a namespace, which `ip netns exec` shows its programs as /etc/resolv.conf; of the node itself it is that file,
 * and ours on a machine of ours only (`adopt`).
 */
export function compileResolver(netns: string, { dns, search }: Resolver): FileSpec {
  const lines = [
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...dns.map((server) => `nameserver ${server}`),
  ];
  const content = lines.map((line) => `${line}\n`).join("");
  return netns === HOST
    ? { kind: "file", path: "/etc/resolv.conf", content, adopt: true }
    : { kind: "file", path: `/etc/netns/${netns}/resolv.conf`, content };
}
