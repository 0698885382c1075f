import { HOST, type KernelObject } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileDhcp4Client } from "./dhcp-client.ts";
import { compileDhcp6Client } from "./dhcp6-client.ts";
import type { NicNetwork } from "./nic-network.ts";
import type { Place } from "./uplink-addresses.ts";

/**
 * The DHCP clients that a NIC's addressing asks for, on the link that has its addresses: in a probe, or the uplink's bridge. That of
 * IPv6 is started when a router says that there is something to ask for (flags M and O of its advertisement, RFC 4861 section 4.2).
 */
export function compileDhcpClients(
  { netns, dev }: Place,
  { nic, addressing }: NicNetwork,
  { hostname, prefix, bridge }: NodeSettings,
  runtimeDir: string,
): readonly KernelObject[] {
  const { dhcp4, dhcp6, clientId } = addressing;
  const { name, mac, carrierUps, probe } = nic;
  const cable = carrierUps === undefined ? {} : { carrierUps };
  // The uplink's own holds until its time ends, whatever becomes of the client.
  const client = { netns, link: dev, nic: name, ...cable, runtimeDir, givesBack: netns !== HOST };
  const objects: KernelObject[] = [];
  if (dhcp4)
    objects.push(
      compileDhcp4Client({
        ...client,
        ...(clientId === undefined ? {} : { clientId }),
        ...(hostname.value === null ? {} : { hostname: hostname.value }),
      }),
    );
  const { ra, lease6 } = probe ?? {};
  // Nothing is heard yet of a router on a bridge that was made a moment ago, and who has a lease keeps it up.
  const managed = ra?.managed ?? (lease6?.addresses ?? []).length > 0;
  const other = ra?.other ?? lease6 !== undefined;
  // One that is delegated to us is for what is behind us: no probe needs it.
  const delegated = prefix.value && dev === bridge.value;
  if (dhcp6 === true || (dhcp6 === "auto" && (managed || other || delegated)))
    objects.push(...compileDhcp6Client({ ...client, mac, address: dhcp6 === true || managed, prefix: delegated }));
  return objects;
}
