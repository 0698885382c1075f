import { vlanLinkName } from "../lib/ifname.ts";
import type { NicFact } from "../model/facts.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import { PUBLIC } from "../model/public-names.ts";
import { vlanSpec, withoutIpv6 } from "./probe.ts";
import type { Macs } from "./public-macs.ts";

/** A port of the public bridge: the NIC, a VLAN on it, or a pair to the uplink's bridge. */
export type Port =
  | { readonly kind: "nic"; readonly nic: NicFact }
  | { readonly kind: "vlan"; readonly nic: NicFact; readonly id: number }
  | { readonly kind: "pair"; readonly nic: NicFact; readonly bridge: string };

/** The link that is plugged into the bridge. */
export function portName(port: Port): string {
  if (port.kind === "pair") return PUBLIC.toUplink.onBridge;
  return port.kind === "nic" ? port.nic.name : vlanLinkName(port.nic.name, port.id);
}

/** The port and what it stands on. The NIC may be spoken of by the uplink as well. */
export function portObjects(port: Port, macs: Macs, mtu: { readonly mtu?: number }): readonly KernelObject[] {
  const { bridge, toUplink } = PUBLIC;
  const nic = { kind: "link", netns: HOST, name: port.nic.name, type: "physical" } as const;
  const name = portName(port);
  switch (port.kind) {
    case "pair":
      return [
        ...pair(
          { netns: HOST, name: toUplink.onUplink, master: port.bridge },
          { netns: HOST, name, mac: macs.of(name), master: bridge },
          macs,
          mtu,
        ),
        withoutIpv6(HOST, name),
      ];
    case "nic":
      return [{ ...nic, master: bridge }, withoutIpv6(HOST, name)];
    case "vlan":
      return [
        nic,
        withoutIpv6(HOST, port.nic.name),
        vlanSpec(HOST, port.nic.name, port.id, { ...mtu, master: bridge }),
        withoutIpv6(HOST, name),
      ];
  }
}

interface End {
  readonly netns: string;
  readonly name: string;
  readonly master?: string;
}

/** A veth pair; the near end, which is a port, has no address of its own. */
export function pair(
  near: End,
  { master, ...far }: End & { readonly mac: string },
  macs: Macs,
  mtu: { readonly mtu?: number },
): readonly KernelObject[] {
  const { netns, name } = near;
  return [
    { kind: "link", type: "veth", ...near, mac: macs.of(name), ...mtu, peer: far },
    {
      kind: "link",
      type: "veth",
      ...far,
      ...mtu,
      bornWith: { netns, name },
      ...(master === undefined ? {} : { master }),
    },
    withoutIpv6(HOST, name),
  ];
}
