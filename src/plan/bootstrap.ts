import { familyOf } from "../lib/ip.ts";
import type { Facts, NicFact, Uplink } from "../model/facts.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileDhcp4Client } from "./dhcp-client.ts";
import { raisedLimits } from "./limits.ts";
import { compileNodeServices } from "./node-services.ts";
import type { UplinkChoice } from "./uplink.ts";

/** Metric of the uplink's default route: below it is room for routes that people add. */
const UPLINK_METRIC = 1024;

/** The NICs with a DHCP client: the uplink's own, and while there is none or its cable is pulled, every one that has carrier. */
function probed({ chosen, candidates }: UplinkChoice): readonly NicFact[] {
  if (chosen?.nic.carrier === true) return [chosen.nic];
  return candidates.filter((nic) => nic.carrier || nic.name === chosen?.nic.name);
}

/**
 * The node's own objects: every candidate NIC up, a DHCP client on each that has carrier until one is chosen; then the
 * uplink's bridge with that NIC as its port, the client on the bridge, and the lease as its address and default route.
 */
export function compileNode(settings: NodeSettings, facts: Facts, choice: UplinkChoice): readonly KernelObject[] {
  const { chosen } = choice;
  const objects: KernelObject[] = choice.candidates.map((nic) => ({
    kind: "link",
    netns: HOST,
    name: nic.name,
    type: "physical",
    ...(nic.name === chosen?.nic.name ? { master: chosen.link } : {}),
  }));
  objects.push(
    ...probed(choice).map(({ name, carrierUps }) =>
      compileDhcp4Client({
        netns: HOST,
        link: name === chosen?.nic.name ? chosen.link : name,
        nic: name,
        ...(carrierUps === undefined ? {} : { carrierUps }),
        runtimeDir: facts.runtimeDir,
      }),
    ),
  );
  if (chosen !== null) objects.push(...compileUplink(chosen));
  return [...objects, ...raisedLimits(), ...compileNodeServices(settings, facts, chosen)];
}

/**
 * The bridge has the NIC's MAC, so that the LAN sees one station only, and never another one: else the kernel gives a bridge the
 * lowest MAC of its ports (br_stp_recalculate_bridge_id).
 */
function compileUplink({ nic, link, addresses, gateways }: Uplink): readonly KernelObject[] {
  return [
    {
      kind: "link",
      netns: HOST,
      name: link,
      type: "bridge",
      mac: nic.permanentMac ?? nic.mac,
      options: { mcastSnooping: false },
    },
    ...addresses.map((address) => ({ kind: "address", netns: HOST, dev: link, address }) as const),
    ...gateways.map(
      (via) =>
        ({
          kind: "route",
          netns: HOST,
          to: familyOf(via) === 6 ? "::/0" : "0.0.0.0/0",
          dev: link,
          via,
          metric: UPLINK_METRIC,
        }) as const,
    ),
  ];
}
