import type { NicFact } from "../model/facts.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileDhcpClients } from "./dhcp.ts";
import { linkSettings, networkOf } from "./nic-network.ts";
import { compileOwnAddresses, compileRoutes } from "./uplink-addresses.ts";
import { ipv6Parameter } from "./ipv6-parameter.ts";

/**
 * A NIC that has an `ip=` of its own and is not the uplink, such as that of a storage network: its addresses and routes are on the
 * NIC itself. Default routes and name servers are the uplink's (`bootdev` of dracut.cmdline(7)).
 */
export function compileBeside(settings: NodeSettings, nic: NicFact, runtimeDir: string): readonly KernelObject[] {
  const place = { netns: HOST, dev: nic.name };
  const network = networkOf(settings, nic);
  const { ra } = network.addressing;
  const set = (name: string, value: string): KernelObject => ipv6Parameter(HOST, nic.name, name, value);
  return [
    { kind: "link", netns: HOST, name: nic.name, type: "physical", ...linkSettings(settings, nic) },
    // It took no part in IPv6 while it was probed.
    set("disable_ipv6", "0"),
    set("accept_ra", ra ? "2" : "0"),
    ...(ra ? [set("accept_ra_defrtr", "0")] : []),
    ...compileDhcpClients(place, network, settings, runtimeDir),
    ...compileOwnAddresses(place, network),
    ...compileRoutes(
      place,
      nic.name,
      settings.routes.value.filter(({ dev }) => dev !== undefined),
    ),
  ];
}
