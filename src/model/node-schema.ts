import * as v from "valibot";
import type { NodeDocument } from "./document.ts";
import {
  Address,
  ApiVersion,
  CheckTarget,
  HostAddress,
  Hostname,
  list,
  Mtu,
  Name,
  Network,
  NewLinkName,
  NicPattern,
  OpenPort,
  OwnAddress,
  VlanTag,
  wholeNumber,
} from "./fields.ts";

const MODES = ["auto", "dhcp4", "dhcp6", "ra", "static", "none"] as const;

/** A `Node` as it may be written; what is left out stays left out, so that flags can speak. */
export const NodeSchema: v.GenericSchema<unknown, NodeDocument> = v.strictObject({
  apiVersion: ApiVersion,
  kind: v.literal("Node"),
  name: v.optional(Name, "node"),
  hostname: v.exactOptional(Hostname),
  uplink: v.exactOptional(
    v.strictObject({
      mode: v.exactOptional(v.picklist(MODES, `is none of ${MODES.join(", ")}`)),
      nics: v.exactOptional(
        v.pipe(
          list(NicPattern),
          v.minLength(1, "is empty: leave it out for every NIC, or say mode: none for no uplink"),
        ),
      ),
      ignore: v.exactOptional(list(NicPattern)),
      addresses: v.exactOptional(list(OwnAddress)),
      gateways: v.exactOptional(list(HostAddress)),
      vlan: v.exactOptional(VlanTag),
      mtu: v.exactOptional(Mtu),
      bridge: v.exactOptional(NewLinkName),
      prefix: v.exactOptional(v.boolean("is neither true nor false")),
      checks: v.exactOptional(list(CheckTarget)),
      probeTimeout: v.exactOptional(wholeNumber(1, 3600)),
    }),
  ),
  dns: v.exactOptional(list(Address)),
  ntp: v.exactOptional(list(v.union([Address, Hostname], "is neither an address nor a host name"))),
  ntpServe: v.exactOptional(list(Network)),
  firewall: v.exactOptional(
    v.strictObject({
      mode: v.exactOptional(v.picklist(["on", "off"], "is neither on nor off")),
      open: v.exactOptional(list(OpenPort)),
    }),
  ),
  public: v.exactOptional(
    v.strictObject({
      nic: v.exactOptional(NicPattern),
      vlan: v.exactOptional(VlanTag),
      addresses: list(OwnAddress),
      gateways: v.optional(list(HostAddress), []),
      dns: v.exactOptional(list(Address)),
      mac: v.exactOptional(v.picklist(["random", "swap"], "is neither random nor swap")),
    }),
  ),
});
