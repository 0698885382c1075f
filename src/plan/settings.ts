import type { BootFlags } from "../model/boot-flags.ts";
import { documentId, type NodeDocument, type UplinkPolicy } from "../model/document.ts";
import type { Addressing, NodeSettings, Setting } from "../model/settings.ts";

/** Name of the uplink's bridge on every node that says nothing else; programs of Zero-OS ask for the addresses of `zos`. */
const BRIDGE = "zos";
const PROBE_TIMEOUT = 20;

/** What each mode of `uplink.mode` stands for. */
const MODES: Readonly<Record<NonNullable<UplinkPolicy["mode"]>, Pick<Addressing, "dhcp4" | "dhcp6" | "ra">>> = {
  auto: { dhcp4: true, dhcp6: "auto", ra: true },
  dhcp4: { dhcp4: true, dhcp6: false, ra: false },
  dhcp6: { dhcp4: false, dhcp6: true, ra: true },
  ra: { dhcp4: false, dhcp6: false, ra: true },
  static: { dhcp4: false, dhcp6: false, ra: false },
  none: { dhcp4: false, dhcp6: false, ra: false },
};

/** What holds for the node: its document before the flags, field by field, and else the default. */
export function settings(node: NodeDocument | null, _flags: BootFlags): NodeSettings {
  const uplink: UplinkPolicy = node?.uplink ?? {};
  const pick = <T>(value: T | undefined, otherwise: T): Setting<T> =>
    value === undefined || node === null
      ? { value: otherwise, source: "default" }
      : { value, source: documentId(node) };
  const { mode, addresses, gateways } = uplink;
  const said = mode !== undefined || addresses !== undefined || gateways !== undefined;
  return {
    hostname: pick<string | null>(node?.hostname, null),
    wantsUplink: pick(mode === undefined ? undefined : mode !== "none", true),
    bridge: pick(uplink.bridge, BRIDGE),
    nics: pick<readonly string[] | null>(uplink.nics, null),
    ignore: pick<readonly string[]>(uplink.ignore, []),
    prefer: { value: [], source: "default" },
    vlan: pick<number | null>(uplink.vlan, null),
    mtu: pick<number | null>(uplink.mtu, null),
    addressing: pick<Addressing>(
      said ? { ...MODES[mode ?? "auto"], addresses: addresses ?? [], gateways: gateways ?? [] } : undefined,
      { ...MODES.auto, addresses: [], gateways: [] },
    ),
    addressingOf: [],
    routes: { value: [], source: "default" },
    dns: pick<readonly string[]>(node?.dns, []),
    leaseDns: { value: true, source: "default" },
    ntp: pick<readonly string[]>(node?.ntp, []),
    ntpServe: pick<readonly string[]>(node?.ntpServe, []),
    checks: pick<readonly string[]>(uplink.checks, []),
    probeTimeout: pick(uplink.probeTimeout, PROBE_TIMEOUT),
    publicVlan: pick<number | null>(node?.public?.vlan, null),
    publicMac: pick(node?.public?.mac, "random"),
  };
}
