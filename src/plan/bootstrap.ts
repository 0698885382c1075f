import type { NodeDocument } from "../model/document.ts";
import type { Facts, NicFact } from "../model/facts.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import { compileClock } from "./clock.ts";
import { compileDhcpClient } from "./dhcp-client.ts";
import { raisedLimits } from "./limits.ts";
import type { UplinkChoice } from "./uplink.ts";

/** Zero configuration: what holds when no `Node` document says otherwise. */
export const DEFAULT_NODE: NodeDocument = {
  apiVersion: "netloom/v1",
  kind: "Node",
  name: "node",
  uplink: { mode: "dhcp4", ignore: [] },
  ntp: [],
  ntpServe: [],
};

/** Metric of the uplink's default route: below it is room for routes that people add. */
const UPLINK_METRIC = 1024;

/** The NICs with a DHCP client: the uplink's own, and while there is none or its cable is pulled, every one that has carrier. */
function probed({ chosen, candidates }: UplinkChoice): readonly NicFact[] {
  if (chosen?.nic.carrier === true) return [chosen.nic];
  return candidates.filter((nic) => nic.carrier || nic.name === chosen?.nic.name);
}

/**
 * The node's own objects: every candidate NIC up, a DHCP client on each that has carrier until one is chosen
 * (then on that one only: one lease, one address), and the lease as address and default route.
 */
export function compileNode(node: NodeDocument, facts: Facts, choice: UplinkChoice): readonly KernelObject[] {
  const objects: KernelObject[] = choice.candidates.map((nic) => ({
    kind: "link",
    netns: HOST,
    name: nic.name,
    type: "physical",
  }));
  if (node.hostname !== undefined)
    objects.push({ kind: "sysctl", netns: HOST, key: "kernel.hostname", value: node.hostname });
  objects.push(...probed(choice).map((nic) => compileDhcpClient(nic.name, facts.runtimeDir)));
  if (choice.chosen !== null) {
    const { nic, lease } = choice.chosen;
    objects.push({ kind: "address", netns: HOST, dev: nic.name, address: lease.address });
    if (lease.router !== undefined) {
      objects.push({
        kind: "route",
        netns: HOST,
        to: "0.0.0.0/0",
        dev: nic.name,
        via: lease.router,
        metric: UPLINK_METRIC,
      });
    }
  }
  return [...objects, ...raisedLimits(), ...compileClock(node, facts, choice.chosen?.lease.ntp ?? [])];
}
