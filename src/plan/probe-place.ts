import { vlanLinkName } from "../lib/ifname.ts";
import type { NodeSettings } from "../model/settings.ts";

/** Where the network of a NIC is asked before it is chosen. */
export interface ProbePlace {
  readonly netns: string;
  /** The link inside that has the addresses. */
  readonly dev: string;
}

/** The namespace of a NIC's probe, and the link in it: named like the NIC, or like its VLAN. */
export function probePlace(settings: NodeSettings, nic: string): ProbePlace {
  const vlan = settings.vlan.value;
  return { netns: `probe-${nic}`, dev: vlan === null ? nic : vlanLinkName(nic, vlan) };
}
