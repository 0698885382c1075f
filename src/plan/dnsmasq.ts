import { cidr, formatCidr, hostAt, sizeOf, type Cidr } from "../lib/ip.ts";
import type { LanDocument } from "../model/document.ts";

const LEASE_TIME = "1h";

const FIRST_LEASE6 = 0x1000;
/** The last of the addresses that DHCPv6 gives, counted from the network's first. */
export const LAST_LEASE6 = 0x1fff;

/** The first address that DHCPv4 gives, counted from the network's first: the lower quarter is left for fixed ones. */
export function firstLease4(network: Cidr): number {
  return Math.max(2, Math.floor(Number(sizeOf(network)) / 4));
}

export interface DnsmasqInput {
  readonly lan: LanDocument;
  readonly bridge: string;
  readonly gateway: string;
  readonly gateway6: string | undefined;
  /** Name servers of the uplink, asked for what the LAN does not know. */
  readonly upstream: readonly string[];
  readonly leaseFile: string;
}

/**
 * The configuration of one LAN's dnsmasq (dnsmasq(8)): DHCPv4, router advertisements, DHCPv6 and the names of its members.
 * Every value comes from a schema that admits no comma or line break, so nothing can be injected here.
 */
export function renderDnsmasq(input: DnsmasqInput): string {
  const { lan } = input;
  const lines = [
    "# Written by Netloom from the LAN's document; changes here are overwritten.",
    `interface=${input.bridge}`,
    "except-interface=lo",
    "bind-dynamic",
    "no-hosts",
    "no-resolv",
    ...input.upstream.map((server) => `server=${server}`),
    "domain-needed",
    "bogus-priv",
    `domain=${lan.name}.lan`,
    `local=/${lan.name}.lan/`,
    "dhcp-fqdn",
    "dhcp-authoritative",
    // Else every new address is pinged for up to 3 s before it is offered, and a node's boot waits for it.
    "no-ping",
    "quiet-ra",
    `dhcp-leasefile=${input.leaseFile}`,
    ...dhcp4(input),
    ...dhcp6(input),
  ];
  return `${lines.join("\n")}\n`;
}

function dhcp4({ lan, gateway }: DnsmasqInput): readonly string[] {
  const network = cidr(lan.cidr);
  const size = Number(sizeOf(network));
  const from = hostAt(network, firstLease4(network)).address;
  const to = hostAt(network, size - 2).address;
  const dns = (lan.dns ?? [gateway]).filter((server) => !server.includes(":"));
  return [
    `dhcp-range=${from},${to},${LEASE_TIME}`,
    `dhcp-option=option:router,${gateway}`,
    ...(dns.length > 0 ? [`dhcp-option=option:dns-server,${dns.join(",")}`] : []),
    ...(lan.ntp.length > 0 ? [`dhcp-option=option:ntp-server,${lan.ntp.join(",")}`] : []),
  ];
}

function dhcp6({ lan, gateway6 }: DnsmasqInput): readonly string[] {
  if (lan.ipv6 === undefined || gateway6 === undefined) return [];
  const network = cidr(lan.ipv6.cidr);
  const dns = (lan.dns ?? [gateway6]).filter((server) => server.includes(":")).map((server) => `[${server}]`);
  const start = hostAt(network, FIRST_LEASE6).address;
  const end = hostAt(network, LAST_LEASE6).address;
  return [
    "enable-ra",
    lan.ipv6.dhcp
      ? `dhcp-range=${start},${end},slaac,${network.prefix},${LEASE_TIME}`
      : `dhcp-range=${network.address},ra-only,${network.prefix},${LEASE_TIME}`,
    ...(dns.length > 0 ? [`dhcp-option=option6:dns-server,${dns.join(",")}`] : []),
  ];
}

/** The node's own addresses in a LAN: the gateway's, with the LAN's prefix lengths. */
export function lanAddresses(lan: LanDocument): { readonly v4: string; readonly v6: string | undefined } {
  const network = cidr(lan.cidr);
  const v4 = formatCidr({ ...network, address: lan.gateway ?? hostAt(network, 1).address });
  return { v4, v6: lan.ipv6 === undefined ? undefined : formatCidr(hostAt(cidr(lan.ipv6.cidr), 1)) };
}
