import type { Family } from "../lib/ip.ts";
import { documentId, type NodeDocument, type UplinkPolicy } from "../model/document.ts";
import type { Facts } from "../model/facts.ts";
import type { Issue } from "../model/report.ts";
import { addressIssues, type Wrong } from "./address-checks.ts";
import { settings as settingsOf } from "./settings.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";

/** Everything that the uplink of a document contradicts itself in. */
export function uplinkIssues(node: NodeDocument): readonly Issue[] {
  const id = documentId(node);
  return policyIssues(node).map(([key, why]) => ({ documents: [id], key, message: `${id}: ${why}` }));
}

function policyIssues(node: NodeDocument): readonly Wrong[] {
  const { mode, addresses = [], gateways = [] }: UplinkPolicy = node.uplink ?? {};
  if (mode === "none" && addresses.length + gateways.length > 0)
    return [
      [
        "uplink.mode",
        "uplink.mode none means that there is no uplink: leave its addresses and gateways out, or the mode",
      ],
    ];
  if (mode === "static" && addresses.length === 0)
    return [
      ["uplink.addresses", "uplink.mode static needs uplink.addresses: without one the node would have no address"],
    ];
  const { dhcp4, dhcp6, ra } = settingsOf(node, NO_FLAGS).addressing.value;
  if (node.uplink?.prefix === true && dhcp6 === false)
    return [
      ["uplink.prefix", `uplink.prefix is asked for by DHCPv6, which uplink.mode ${mode ?? "auto"} does without`],
    ];
  const hears = (family: Family): boolean => (family === 4 ? dhcp4 : dhcp6 !== false || ra);
  return addressIssues({ section: "uplink", what: "the uplink", addresses, gateways, hears });
}

/** The uplink's bridge is made: a NIC of its name would have to be both. */
export function bridgeNameIssues(node: NodeDocument | null, { nics }: Pick<Facts, "nics">): readonly Issue[] {
  const name = node?.uplink?.bridge;
  if (node === null || name === undefined || nics.every((nic) => nic.name !== name || nic.made === "bridge")) return [];
  const id = documentId(node);
  return [
    {
      documents: [id],
      key: "uplink.bridge",
      message: `${id}: uplink.bridge ${name} is the name of a NIC: give the bridge above it another one`,
    },
  ];
}
