import type { OnlineChecks } from "../model/report.ts";
import type { Addressing, ExtraRoute, NodeSettings, Setting } from "../model/settings.ts";

/** What being online is made of, a line each, for people. */
export function onlineLines({ address, route, check }: OnlineChecks): readonly string[] {
  const parts = { address, route, ...(check === null ? {} : { check }) };
  return Object.entries(parts).map(([name, { ok, why }]) => `online    ${name} ${ok ? "ok" : "missing"}: ${why}`);
}

/** Settings by the keys of the `Node` document, where it has one for them. */
const NAMES: Readonly<Record<Exclude<keyof NodeSettings, "addressingOf">, string>> = {
  hostname: "hostname",
  wantsUplink: "uplink wanted",
  bridge: "uplink.bridge",
  nics: "uplink.nics",
  ignore: "uplink.ignore",
  prefer: "preferred NICs",
  vlan: "uplink.vlan",
  mtu: "uplink.mtu",
  prefix: "uplink.prefix",
  addressing: "addressing",
  routes: "routes",
  dns: "dns",
  leaseDns: "dns of leases",
  ntp: "ntp",
  ntpServe: "ntpServe",
  checks: "uplink.checks",
  probeTimeout: "uplink.probeTimeout",
  publicVlan: "public.vlan",
  publicMac: "public.mac",
};

/** Each setting that is not the default, with what set it: "setting   uplink.mtu 1400 (flag netloom.mtu=1400)". */
export function settingLines({ addressingOf, ...single }: NodeSettings): readonly string[] {
  const named: readonly (readonly [name: string, Setting<Value>])[] = [
    ...Object.entries(NAMES).map(([key, name]) => [name, single[key as keyof typeof NAMES]] as const),
    ...addressingOf.map(({ nic, addressing }) => [`addressing of ${nic}`, addressing] as const),
  ];
  return named
    .filter(([, { source }]) => source !== "default")
    .map(([name, { value, source }]) => `setting   ${name} ${valueText(value)} (${source})`);
}

type Value = string | number | boolean | null | Addressing | readonly (string | ExtraRoute)[];

function valueText(value: Value): string {
  if (value === null) return "none";
  if (typeof value !== "object") return String(value);
  if ("dhcp4" in value) return addressingText(value);
  return value.map((item) => (typeof item === "string" ? item : routeText(item))).join(" ");
}

function addressingText({ dhcp4, dhcp6, ra, addresses, gateways, clientId }: Addressing): string {
  const ways = { dhcp4, [dhcp6 === "auto" ? "dhcp6 where it is advertised" : "dhcp6"]: dhcp6 !== false, ra };
  return [
    ...Object.entries(ways).flatMap(([name, on]) => (on ? [name] : [])),
    ...addresses,
    ...gateways.map((gateway) => `via ${gateway}`),
    ...(clientId === undefined ? [] : [`client ${clientId}`]),
  ].join(" ");
}

function routeText({ to, via, dev }: ExtraRoute): string {
  return `${to}${via === undefined ? "" : ` via ${via}`}${dev === undefined ? "" : ` dev ${dev}`}`;
}
