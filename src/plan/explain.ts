import { HOST } from "../model/kernel.ts";
import { visitStep, type Step, type StepTable } from "../model/step.ts";
import { nftHash } from "../model/definition-hash.ts";

/** One step as an `ip`-like line: what `plan` prints, logs say and tests expect. Secrets have no place in it. */
export function explain(step: Step): string {
  return visitStep(LINES, step);
}

const LINES: StepTable<string> = {
  "netns.add": ({ name }) => `ip netns add ${name}`,
  "netns.del": ({ name }) => `ip netns del ${name}`,
  "link.add": (link) => {
    const head = `${ip(link.netns)} link add ${link.name}${option("address", link.mac)}${option("mtu", link.mtu)}${option("master", link.master)} up type ${link.type}`;
    if (link.peer === undefined) return head;
    const { name, netns, mac } = link.peer;
    return `${head} peer name ${name} address ${mac}${netns === HOST ? "" : ` netns ${netns}`} up`;
  },
  "link.set": ({ netns, name, up, mac, mtu, master }) =>
    `${ip(netns)} link set ${name}${option("address", mac)}${option("mtu", mtu)}${master === null ? " nomaster" : option("master", master)}${up === true ? " up" : ""}`,
  "link.del": ({ netns, name }) => `${ip(netns)} link del ${name}`,
  "sysctl.set": ({ netns, key, value }) => `${inside(netns)}sysctl -w ${key}=${value}`,
  "address.add": ({ netns, dev, address }) => `${ip(netns)} addr add ${address} dev ${dev}`,
  "address.del": ({ netns, dev, address }) => `${ip(netns)} addr del ${address} dev ${dev}`,
  "route.add": (route) => `${ip(route.netns)} route replace ${routeText(route)}`,
  "route.del": (route) => `${ip(route.netns)} route del ${routeText(route)}`,
  "nft.load": (table) =>
    `${inside(table.netns)}nft load table ${table.family} ${table.table} # ${table.objects.length} objects, ${nftHash(table)}`,
  "nft.del": ({ netns, family, table }) => `${inside(netns)}nft delete table ${family} ${table}`,
  "wireguard.device": ({ netns, dev, publicKey, listenPort }) =>
    `${inside(netns)}wg set ${dev} listen-port ${listenPort} private-key (of ${publicKey})`,
  "wireguard.peer": ({ netns, dev, peer }) =>
    `${inside(netns)}wg set ${dev} peer ${peer.publicKey}${option("endpoint", peer.endpoint)} persistent-keepalive ${peer.keepalive} allowed-ips ${peer.allowedIps.join(",")}`,
  "wireguard.unpeer": ({ netns, dev, publicKey }) => `${inside(netns)}wg set ${dev} peer ${publicKey} remove`,
  "process.set": ({ name, argv }) => `service ${name} run ${argv.join(" ")}`,
  "process.del": ({ name }) => `service ${name} remove`,
};

function ip(netns: string): string {
  return netns === HOST ? "ip" : `ip -n ${netns}`;
}

function inside(netns: string): string {
  return netns === HOST ? "" : `ip netns exec ${netns} `;
}

function option(word: string, value: string | number | undefined): string {
  return value === undefined ? "" : ` ${word} ${value}`;
}

function routeText({
  to,
  via,
  dev,
  metric,
}: {
  readonly to: string;
  readonly via?: string;
  readonly dev: string;
  readonly metric?: number;
}): string {
  const network = to === "0.0.0.0/0" ? "default" : to === "::/0" ? "-6 default" : to;
  return `${network}${option("via", via)} dev ${dev}${option("metric", metric)}`;
}
