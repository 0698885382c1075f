import { matchesNic } from "../../model/nic-pattern.ts";
import { derivedMac } from "../../lib/ifname.ts";
import type { LanDocument } from "../../model/document.ts";
import type { LanFacts, NicFact } from "../../model/facts.ts";
import { HOST, type KernelObject } from "../../model/kernel.ts";
import { withoutPrefix } from "../../lib/ip.ts";
import { lanAddresses, renderDnsmasq } from "../dnsmasq.ts";
import { ipv6Parameter } from "../ipv6-parameter.ts";

/** The interface name of a LAN's bridge. */
export function lanBridge(name: string): string {
  return `l-${name}`;
}

/** The physical NICs that become ports of a LAN. */
export function lanPorts(lan: LanDocument, facts: LanFacts): readonly NicFact[] {
  return facts.nics.filter((nic) => lan.nics.some((pattern) => matchesNic(pattern, nic)));
}

/** A LAN of type `bridge` on the Linux backend: one bridge with the node's addresses, its ports, and dnsmasq when asked for. */
export function compileBridgeLan(
  lan: LanDocument,
  facts: LanFacts,
  upstream: readonly string[],
): readonly KernelObject[] {
  const bridge = lanBridge(lan.name);
  const { v4, v6 } = lanAddresses(lan);
  const objects: KernelObject[] = [
    { kind: "link", netns: HOST, name: bridge, type: "bridge", mac: derivedMac(bridge) },
    { kind: "address", netns: HOST, dev: bridge, address: v4 },
    ...lanPorts(lan, facts).map(
      (nic) => ({ kind: "link", netns: HOST, name: nic.name, type: "physical", master: bridge }) as const,
    ),
  ];
  if (v6 !== undefined) objects.push({ kind: "address", netns: HOST, dev: bridge, address: v6 });
  // Else the kernel takes an address that someone added to the bridge away with ours, when ours changes.
  objects.push({
    kind: "sysctl",
    netns: HOST,
    dev: bridge,
    key: `net.ipv4.conf.${bridge}.promote_secondaries`,
    value: "1",
  });
  // A router's own LAN must not be configured by someone else's advertisements.
  objects.push(ipv6Parameter(HOST, bridge, "accept_ra", "0"));
  // Without it the kernel's neighbour advertisements say "no router", and members drop the default route that dnsmasq
  // advertised to them (RFC 4861, 7.2.5). It holds for this interface only: what is forwarded is another question.
  if (v6 !== undefined && lan.dhcp) objects.push(ipv6Parameter(HOST, bridge, "forwarding", "1"));
  if (lan.dhcp) objects.push(dnsmasq(lan, bridge, { v4, v6 }, facts, upstream));
  return objects;
}

function dnsmasq(
  lan: LanDocument,
  bridge: string,
  addresses: { readonly v4: string; readonly v6: string | undefined },
  facts: LanFacts,
  upstream: readonly string[],
): KernelObject {
  const path = `${facts.runtimeDir}/dnsmasq/${lan.name}.conf`;
  const leaseFile = `${facts.stateDir}/dnsmasq-${lan.name}.leases`;
  const content = renderDnsmasq({
    lan,
    bridge,
    gateway: withoutPrefix(addresses.v4),
    gateway6: addresses.v6 === undefined ? undefined : withoutPrefix(addresses.v6),
    upstream,
    leaseFile,
  });
  const argv = ["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--pid-file", `--conf-file=${path}`];
  return {
    kind: "process",
    netns: HOST,
    name: `dnsmasq-${lan.name}`,
    argv,
    env: {},
    files: [{ path, content }],
    writes: [leaseFile],
  };
}
