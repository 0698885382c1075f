import type { BootFlags, InterfaceFlags } from "../model/boot-flags.ts";
import { documentId, type NodeDocument, type UplinkPolicy } from "../model/document.ts";
import { familyOf, isEverything } from "../lib/ip.ts";
import type { Addressing, ExtraRoute, NodeSettings, Setting } from "../model/settings.ts";

/** Name of the uplink's bridge on every node that says nothing else; programs of Zero-OS ask for the addresses of `zos`. */
const BRIDGE = "zos";
const PROBE_TIMEOUT = 20;
/** The interface of `ip=` words that name none: every candidate. */
const EVERY = "*";

/** What each mode of `uplink.mode` stands for. */
const MODES: Readonly<Record<NonNullable<UplinkPolicy["mode"]>, Pick<Addressing, "dhcp4" | "dhcp6" | "ra">>> = {
  auto: { dhcp4: true, dhcp6: "auto", ra: true },
  dhcp4: { dhcp4: true, dhcp6: false, ra: false },
  dhcp6: { dhcp4: false, dhcp6: true, ra: true },
  ra: { dhcp4: false, dhcp6: false, ra: true },
  static: { dhcp4: false, dhcp6: false, ra: false },
  none: { dhcp4: false, dhcp6: false, ra: false },
};

/** What holds for the node: its document before the flags, field by field, and else the default. Pure. */
export function settings(node: NodeDocument | null, flags: BootFlags): NodeSettings {
  const uplink: UplinkPolicy = node?.uplink ?? {};
  /** A field of the document, of the flags (with the path of the words that set it), or neither. */
  const pick = <T>(said: T | undefined, flag: T | undefined, path: string, otherwise: T): Setting<T> => {
    if (said !== undefined && node !== null) return { value: said, source: documentId(node) };
    return flag === undefined
      ? { value: otherwise, source: "default" }
      : { value: flag, source: flagSource(flags, [path]) };
  };

  return {
    hostname: pick<string | null>(node?.hostname, flags.hostname, "hostname", null),
    wantsUplink: wantsUplink(node, flags),
    bridge: pick(uplink.bridge, undefined, "", BRIDGE),
    nics: candidates(node, flags),
    ignore: ignored(node, flags),
    prefer: preferred(flags),
    vlan: pick(tag(uplink.vlan), tag(flags.zos.vlanPriv), "zos.vlanPriv", null),
    mtu: pick<number | null>(uplink.mtu, flags.mtu, "mtu", null),
    prefix: pick(uplink.prefix, undefined, "", false),

    ...addressings(node, flags),
    routes: pick(undefined, some(otherRoutes(flags)), "routes", []),
    dns: pick<readonly string[]>(node?.dns, some(flags.nameservers), "nameservers", []),
    leaseDns: pick(undefined, flags.peerDns, "peerDns", true),
    ntp: pick<readonly string[]>(node?.ntp, some(flags.ntp), "ntp", []),
    ntpServe: pick<readonly string[]>(node?.ntpServe, undefined, "", []),
    checks: pick<readonly string[]>(uplink.checks, undefined, "", []),
    probeTimeout: pick(uplink.probeTimeout, flags.probeTimeout, "probeTimeout", PROBE_TIMEOUT),
    publicVlan: pick(tag(node?.public?.vlan), tag(flags.zos.vlanPub), "zos.vlanPub", null),
    publicMac: pick(node?.public?.mac, flags.zos.pubMac, "zos.pubMac", "random"),
  };
}

/** "flag netloom.mtu=1400": all words that set these fields. */
export function flagSource({ words }: BootFlags, paths: readonly string[]): string {
  return `flag ${[...new Set(paths.flatMap((path) => words[path] ?? []))].join(" ")}`;
}

/** A list that a flag gave; an empty one was not given. */
function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}

function tag(id: number | "none" | undefined): number | null | undefined {
  return id === "none" ? null : id;
}

/** Mode, addresses and gateways of a document are one field: with any of them it says everything. */
function saysAddressing({ uplink: { mode, addresses, gateways } = {} }: NodeDocument): boolean {
  return mode !== undefined || addresses !== undefined || gateways !== undefined;
}

/** `ip=off` alone, unless the document says how to get addresses. */
function wantsUplink(node: NodeDocument | null, flags: BootFlags): Setting<boolean> {
  if (node !== null && saysAddressing(node)) return { value: node.uplink?.mode !== "none", source: documentId(node) };
  const every = flags.interfaces[EVERY];
  if (every === undefined || !isOff(every)) return { value: true, source: "default" };
  const others = named(flags).filter(([, interfaceFlags]) => !isOff(interfaceFlags));
  return { value: others.length > 0, source: flagSource(flags, [`interfaces.${EVERY}`]) };
}

/** Interfaces of `ip=` words that name one. */
function named(flags: BootFlags): readonly (readonly [string, InterfaceFlags])[] {
  return Object.entries(flags.interfaces).filter(([device]) => device !== EVERY);
}

/** True when it gets no address at all. */
export function isOff({ dhcp4, dhcp6, auto6, addresses }: InterfaceFlags): boolean {
  return !dhcp4 && !dhcp6 && !auto6 && addresses.length === 0;
}

/** Without `netloom.nic=`, an `ip=` that names its interface means that one and no other (dracut.cmdline(7)). */
function candidates(node: NodeDocument | null, flags: BootFlags): Setting<readonly string[] | null> {
  const said = node?.uplink?.nics;
  if (said !== undefined && node !== null) return { value: said, source: documentId(node) };
  if (flags.nics.length > 0) return { value: flags.nics, source: flagSource(flags, ["nics"]) };
  const every = flags.interfaces[EVERY];
  const on = named(flags).filter(([, interfaceFlags]) => !isOff(interfaceFlags));
  if (on.length === 0 || (every !== undefined && !isOff(every))) return { value: null, source: "default" };
  const paths = on.map(([device]) => `interfaces.${device}`);
  return { value: on.map(([device]) => device), source: flagSource(flags, paths) };
}

/** Both lists together: what one of them excludes, the other cannot bring back. */
function ignored(node: NodeDocument | null, flags: BootFlags): Setting<readonly string[]> {
  const said = node?.uplink?.ignore ?? [];
  const off = named(flags).filter(([, interfaceFlags]) => isOff(interfaceFlags));
  const flagged = [...flags.ignored, ...off.map(([device]) => device)];
  const paths = ["ignored", ...off.map(([device]) => `interfaces.${device}`)];
  const sources = [
    ...(node?.uplink?.ignore === undefined ? [] : [documentId(node)]),
    ...(flagged.length === 0 ? [] : [flagSource(flags, paths)]),
  ];
  const source = sources.length === 0 ? "default" : sources.join(", ");
  return { value: [...new Set([...said, ...flagged])], source };
}

/** `bootdev=`, then what the firmware booted by; of several `ip=` words without `bootdev=` the first (dracut.cmdline(7)). */
function preferred(flags: BootFlags): Setting<readonly string[]> {
  const { bootdev, bootif } = flags;
  const [first, ...more] = named(flags);
  const leading = bootdev === undefined && first !== undefined && more.length > 0 ? first[0] : undefined;
  const value = [bootdev, bootif, leading].filter((name) => name !== undefined);
  if (value.length === 0) return { value, source: "default" };
  const paths = ["bootdev", "bootif", ...(leading === undefined ? [] : [`interfaces.${leading}`])];
  return { value, source: flagSource(flags, paths) };
}

function addressings(node: NodeDocument | null, flags: BootFlags): Pick<NodeSettings, "addressing" | "addressingOf"> {
  const setting = (said: Addressing, source: string, device: string = EVERY): Setting<Addressing> => {
    const families = new Set(said.gateways.map(familyOf));
    const routed = flags.routes.filter((route) => leadsOut(route, device) && !families.has(familyOf(route.to)));
    if (routed.length === 0) return { value: said, source };
    const by = flagSource(flags, ["routes"]);
    return {
      value: { ...said, gateways: [...said.gateways, ...routed.flatMap(({ via }) => via ?? [])] },
      source: source === "default" ? by : `${source}, ${by}`,
    };
  };
  if (node !== null && saysAddressing(node)) {
    const { mode, addresses, gateways } = node.uplink ?? {};
    const value = { ...MODES[mode ?? "auto"], addresses: addresses ?? [], gateways: gateways ?? [] };
    return { addressing: setting(value, documentId(node)), addressingOf: [] };
  }
  const every = flags.interfaces[EVERY];
  return {
    addressing:
      every === undefined
        ? setting({ ...MODES.auto, addresses: [], gateways: [] }, "default")
        : setting(byFlags(every), flagSource(flags, [`interfaces.${EVERY}`])),
    addressingOf: named(flags).map(([nic, interfaceFlags]) => ({
      nic,
      addressing: setting(byFlags(interfaceFlags), flagSource(flags, [`interfaces.${nic}`]), nic),
    })),
  };
}

/** A default route by `rd.route=` is the router of who has that interface: without it nobody would know that there is one. */
function leadsOut({ to, via, dev }: ExtraRoute, device: string): boolean {
  return via !== undefined && isEverything(to) && (dev === undefined || dev === device);
}

/** The routes that are no router of anybody. */
function otherRoutes({ routes, interfaces }: BootFlags): readonly ExtraRoute[] {
  const devices = [EVERY, ...Object.keys(interfaces)];
  return routes.filter((route) => !devices.some((device) => leadsOut(route, device)));
}

function byFlags({ dhcp4, dhcp6, auto6, addresses, gateway, gateway6, ...rest }: InterfaceFlags): Addressing {
  const { words: _words, ...others } = rest;
  return {
    dhcp4,
    // A network that says in its advertisements that addresses are to be asked for is asked.
    dhcp6: dhcp6 ? true : auto6 ? "auto" : false,
    // DHCPv6 tells no router (RFC 8415).
    ra: auto6 || dhcp6,
    addresses,
    gateways: [gateway, gateway6].filter((address) => address !== undefined),
    ...others,
  };
}
