import { isEverything } from "../lib/ip.ts";
import { HOST, type FdbSpec, type LinkSpec, type RouteSpec } from "../model/kernel.ts";
import type { OptionValue } from "../model/link-options.ts";
import type { OvsPort } from "../model/ovs.ts";
import { visitStep, type PeerChange, type Step, type StepTable } from "../model/step.ts";
import { fileHash, nftHash } from "../model/definition-hash.ts";
import { ruleText } from "./object-key.ts";

/** One step as an `ip`-like line: what `plan` prints, logs say and tests expect. Secrets have no place in it. */
export function explain(step: Step): string {
  return visitStep(LINES, step);
}

const LINES: StepTable<string> = {
  "netns.add": ({ name }) => `ip netns add ${name}`,
  "netns.del": ({ name }) => `ip netns del ${name}`,
  "link.add": (link) => {
    const birth = link.type === "wireguard" && link.bornIn !== undefined ? ` (socket in ${link.bornIn})` : "";
    const base = `${ip(link.netns)} link add ${link.name}${lower(link)}${birth}${option("address", link.mac)}${option("mtu", link.mtu)}${option("master", link.master)}${link.down === true ? "" : " up"} type ${link.type}${optionText({ ...link.options })}`;
    if (link.peer === undefined) return base;
    const { name, netns, mac, mtu } = link.peer;
    return `${base} peer name ${name} address ${mac}${option("mtu", mtu)}${netns === HOST ? "" : ` netns ${netns}`} up`;
  },
  "link.set": ({ netns, name, up, mac, mtu, master, options }) =>
    `${ip(netns)} link set ${name}${option("address", mac)}${option("mtu", mtu)}${master === null ? " nomaster" : option("master", master)}${up === undefined ? "" : up ? " up" : " down"}${options === undefined ? "" : ` type ${options.type}${optionText(options.set)}`}`,
  "link.del": ({ netns, name }) => `${ip(netns)} link del ${name}`,
  "link.rename": ({ netns, name, to }) => `${ip(netns)} link set ${name} name ${to}`,
  "link.port": ({ netns, name, port }) => `${bridge(netns)} link set dev ${name}${optionText({ ...port })}`,
  "vlan.add": ({ netns, name, vlan, self }) =>
    `${bridge(netns)} vlan add dev ${name} vid ${vlan.id}${vlan.pvid === true ? " pvid" : ""}${vlan.untagged === true ? " untagged" : ""}${self === true ? " self" : ""}`,
  "vlan.del": ({ netns, name, id, self }) =>
    `${bridge(netns)} vlan del dev ${name} vid ${id}${self === true ? " self" : ""}`,
  "ovs.set": ({ name, datapathType, ports }) =>
    [
      `ovs-vsctl --may-exist add-br ${name}`,
      ...(datapathType === undefined ? [] : [`set Bridge ${name} datapath_type=${datapathType}`]),
      ...ports.flatMap((port) => ovsPortText(name, port)),
    ].join(" -- "),
  "ovs.unport": ({ name, ports }) => `ovs-vsctl ${ports.map((port) => `del-port ${name} ${port}`).join(" -- ")}`,
  "ovs.del": ({ name }) => `ovs-vsctl del-br ${name}`,
  "sysctl.set": ({ netns, key, value }) => `${inside(netns)}sysctl -w ${key}=${value}`,
  "address.add": ({ netns, dev, address, validUntil, preferredUntil }) =>
    `${ip(netns)} addr add ${address} dev ${dev}${until("valid", validUntil)}${until("preferred", preferredUntil)}`,
  "address.del": ({ netns, dev, address }) => `${ip(netns)} addr del ${address} dev ${dev}`,
  "neighbor.add": ({ netns, dev, to, mac, proxy }) =>
    `${ip(netns)} neigh replace${proxy === true ? " proxy" : ""} ${to}${option("lladdr", mac)} dev ${dev}`,
  "neighbor.del": ({ netns, dev, to, proxy }) =>
    `${ip(netns)} neigh del${proxy === true ? " proxy" : ""} ${to} dev ${dev}`,
  "fdb.add": (entry) => `${bridge(entry.netns)} fdb append ${fdbText(entry)}`,
  "fdb.del": (entry) => `${bridge(entry.netns)} fdb del ${fdbText(entry)}`,
  "route.add": (route) => `${ip(route.netns)}${six(route)} route replace ${routeText(route)}`,
  "route.del": (route) => `${ip(route.netns)}${six(route)} route del ${routeText(route)}`,
  "rule.add": (rule) => `${ip(rule.netns)}${rule.family === 6 ? " -6" : ""} rule add ${ruleText(rule)}`,
  "rule.del": (rule) => `${ip(rule.netns)}${rule.family === 6 ? " -6" : ""} rule del ${ruleText(rule)}`,
  "nft.load": (table) =>
    `${inside(table.netns)}nft load table ${table.family} ${table.table} # ${table.objects.length} objects, ${nftHash(table)}`,
  "nft.del": ({ netns, family, table }) => `${inside(netns)}nft delete table ${family} ${table}`,
  "wireguard.device": ({ netns, dev, publicKey, listenPort, fwmark }) =>
    `${inside(netns)}wg set ${dev} listen-port ${listenPort}${option("fwmark", fwmark)} private-key (of ${publicKey})`,
  "wireguard.peer": ({ netns, dev, peer }) =>
    `${inside(netns)}wg set ${dev} peer ${peer.publicKey}${presharedText(peer)}${option("endpoint", peer.endpoint)} persistent-keepalive ${peer.keepalive} allowed-ips ${peer.allowedIps.join(",")}`,
  "wireguard.unpeer": ({ netns, dev, publicKey }) => `${inside(netns)}wg set ${dev} peer ${publicKey} remove`,
  "file.set": (file) =>
    `write ${file.path}${file.mode === undefined ? "" : ` mode ${file.mode.toString(8)}`} # ${file.content.split("\n").length - 1} lines, ${fileHash(file)}`,
  "file.del": ({ path }) => `rm ${path}`,
  "process.set": ({ name, argv }) => `service ${name} run ${argv.join(" ")}`,
  "process.del": ({ name }) => `service ${name} remove`,
};

/** In words of ovs-vsctl(8), which hold for a port that is there as for a new one; the local port comes with its bridge. */
function ovsPortText(bridgeName: string, { name, type, tag, trunks, vlanMode }: OvsPort): readonly string[] {
  const columns = [
    ...(tag === null ? [] : [`tag=${tag}`]),
    ...(trunks.length === 0 ? [] : [`trunks=${trunks.join(",")}`]),
    ...(vlanMode === null ? [] : [`vlan_mode=${vlanMode}`]),
  ];
  const local = name === bridgeName;
  return [
    ...(local ? [] : [`--may-exist add-port ${bridgeName} ${name}`]),
    ...(columns.length === 0 ? [] : [`set Port ${name} ${columns.join(" ")}`]),
    ...(local || type === "system" ? [] : [`set Interface ${name} type=${type}`]),
  ];
}

function presharedText({ presharedKey }: PeerChange): string {
  if (presharedKey === undefined) return "";
  return presharedKey === null ? " preshared-key /dev/null" : " preshared-key (given)";
}

function ip(netns: string): string {
  return netns === HOST ? "ip" : `ip -n ${netns}`;
}

function inside(netns: string): string {
  return netns === HOST ? "" : `ip netns exec ${netns} `;
}

function option(word: string, value: string | number | undefined): string {
  return value === undefined ? "" : ` ${word} ${value}`;
}

function bridge(netns: string): string {
  return netns === HOST ? "bridge" : `bridge -n ${netns}`;
}

function lower(link: LinkSpec): string {
  if (link.lower === undefined) return "";
  const { netns, name } = link.lower;
  // iproute2 has no word for a lower link of another namespace.
  return ` link ${name}${netns === link.netns ? "" : ` (of ${netns === HOST ? "the node" : netns})`}`;
}

/** "vlanFiltering: true" as " vlan_filtering on". */
function optionText(options: Readonly<Record<string, OptionValue>>): string {
  return Object.entries(options)
    .map(([name, value]) => {
      const word = name.replace(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
      return ` ${word} ${typeof value === "boolean" ? (value ? "on" : "off") : value}`;
    })
    .join("");
}

/** Lifetimes as points in time, so that the line of a step stays the same while time passes. */
function until(word: string, seconds: number | undefined): string {
  return seconds === undefined ? "" : ` ${word}-until ${seconds}`;
}

function fdbText({ dev, mac, remote, vni, port, vlan }: FdbSpec): string {
  return `${mac} dev ${dev}${option("vlan", vlan)}${option("dst", remote)}${option("vni", vni)}${option("port", port)}${remote === undefined ? " master static" : " self"}`;
}

/** Without it `ip` takes "default" for that of IPv4. */
function six({ to }: RouteSpec): string {
  return to === "::/0" ? " -6" : "";
}

function routeText(route: RouteSpec): string {
  const { to, via, dev, metric, type, table, source, mtu, advmss, onlink, hops = [] } = route;
  const network = isEverything(to) ? "default" : to;
  const ways = hops.map((hop) => ` nexthop${option("via", hop.via)} dev ${hop.dev}${option("weight", hop.weight)}`);
  return `${type === undefined || type === "unicast" ? "" : `${type} `}${network}${option("via", via)}${option("dev", dev)}${option("metric", metric)}${option("table", table)}${option("src", source)}${option("mtu", mtu)}${option("advmss", advmss)}${onlink === true ? " onlink" : ""}${ways.join("")}`;
}
