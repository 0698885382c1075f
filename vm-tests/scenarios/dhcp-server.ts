import { serviceFiles } from "../harness/roles/userland.ts";
import { addressOf } from "../harness/roles/place.ts";
import type { DebianNode } from "../harness/topology-schema.ts";
import type { LabNode } from "../harness/node.ts";
import { cidr, hostAt, networkOf } from "../../src/lib/ip.ts";

/** What a server is and gives on one link. */
export type Served = {
  /** "eth0", or "eth0.7": VLAN 7 of it, which the server makes. */
  readonly dev: string;
  /** Its own IPv4 address in a /24, of which it gives away .100 to .199. */
  readonly v4?: string;
  /** Without it, it has `v4` and gives nothing. */
  readonly dhcp4?: boolean;
  /** False: neither its leases nor its advertisements name a router. */
  readonly router?: boolean;
  /** Its own IPv6 address in a /64. */
  readonly v6?: string;
  /** `slaac`: advertised, with name servers by RDNSS. `dhcp6`: the same, and addresses by DHCPv6 (flag M). */
  readonly advertise?: "slaac" | "dhcp6";
};

/** The name that its name server knows, on every one of its addresses, and in the domain that it gives. */
export const PROBE_NAME = "probe.lab.test";

/** Time of a lease, which is the shortest that dnsmasq gives. */
const LEASE = "2m";
const SERVICE = "dhcp-server";
const LEASES = "/run/lab-leases";
/** It is there when the links are as wished. */
const SERVED = "/run/lab-served";

/**
 * A router that Netloom has no part in: Debian with dnsmasq, which gives addresses on each link that it serves, forwards between
 * them, and is asked for names.
 */
export function dhcpServer(nics: DebianNode["nics"], served: readonly Served[]): DebianNode {
  const addresses = nics.map(() => "none");
  return { role: "debian", nics, addresses, services: { [SERVICE]: script(served) } };
}

/** Makes a running server serve this from now on, as another router in its place would: it knows no lease of before. */
export async function serve(server: LabNode, served: readonly Served[]): Promise<void> {
  for (const [path, file] of Object.entries(serviceFiles({ [SERVICE]: script(served) }))) {
    if (typeof file === "object" && "content" in file) await server.writeFile(path, file.content, file.mode);
  }
  await server.run(["rm", "-f", LEASES, SERVED]);
  await server.run(["s6-svc", "-r", `/run/service/${SERVICE}`]);
  await server.until(
    "the new service",
    async () => (await server.exec(["test", "-e", SERVED])).code === 0 || undefined,
  );
}

/** A lease in the server's own file. */
export type ServerLease = { readonly address: string; readonly owner: string; readonly clientId: string };

/** What the server has given and not got back; IPv4 first. The owner is a MAC, or the IAID of DHCPv6; the id that of the client. */
export async function leasesOf(server: LabNode): Promise<readonly ServerLease[]> {
  const text = await server.run(["sh", "-c", `cat ${LEASES} 2>/dev/null || true`]);
  return text
    .split("\n")
    .filter((line) => /^\d+ /u.test(line))
    .map((line) => line.split(" "))
    .map(([, owner = "", address = "", , clientId = ""]) => ({ owner, address, clientId }));
}

/** A shell script, to be run again and again: it leaves only what is served now. */
function script(served: readonly Served[]): string {
  return [
    "for key in net.ipv4.ip_forward net.ipv6.conf.all.forwarding; do sysctl -qw $key=1; done",
    ...served.flatMap(linkLines),
    `touch ${SERVED}`,
    ...(served.some(({ dhcp4, advertise }) => dhcp4 !== undefined || advertise !== undefined)
      ? [`exec dnsmasq --keep-in-foreground --conf-file=- <<END\n${configuration(served)}\nEND`]
      : ["exec sleep 2147483647"]),
  ].join("\n");
}

/** In a script `ip` alone would be that of busybox, which knows less. */
const ip = "/usr/sbin/ip";

function linkLines({ dev, v4, v6 }: Served): readonly string[] {
  const [parent = dev, vlan] = dev.split(".");
  return [
    `${ip} link set ${parent} up`,
    ...(vlan === undefined ? [] : [`${ip} link add link ${parent} name ${dev} type vlan id ${vlan} 2>/dev/null`]),
    `${ip} link set ${dev} up`,
    `${ip} address flush dev ${dev} scope global`,
    ...(v4 === undefined ? [] : [`${ip} address add ${v4} dev ${dev}`]),
    ...(v6 === undefined ? [] : [`${ip} address add ${v6} dev ${dev} nodad`]),
  ];
}

function configuration(served: readonly Served[]): string {
  return [
    ...["user=root", "pid-file=", "bind-dynamic", "no-ping", "no-resolv", "no-hosts", "log-facility=-"],
    ...[
      "dhcp-authoritative",
      `dhcp-leasefile=${LEASES}`,
      "domain=lab.test",
      "dhcp-option=option:domain-search,lab.test",
    ],
    "dhcp-option=option6:domain-search,lab.test",
    ...served
      .flatMap(({ v4, v6 }) => [v4, v6])
      .flatMap((own) => (own === undefined ? [] : [`host-record=${PROBE_NAME},${addressOf(own)}`])),
    ...(served.some(({ advertise }) => advertise !== undefined) ? ["enable-ra"] : []),
    ...served.flatMap(rangeLines),
  ].join("\n");
}

function rangeLines({ dev, v4, dhcp4 = false, router = true, v6, advertise }: Served): readonly string[] {
  const tag = dev.replace(".", "-");
  const lines: string[] = [];
  if (v4 !== undefined && dhcp4) {
    const range = [100, 199].map((host) => addressOf(v4).replace(/\d+$/u, String(host)));
    lines.push(`dhcp-range=set:${tag},${range.join(",")},255.255.255.0,${LEASE}`);
    if (!router) lines.push(`dhcp-option=tag:${tag},option:router`);
  }
  if (v6 !== undefined && advertise !== undefined) {
    const at = (host: number): string => hostAt(networkOf(cidr(v6)), host).address;
    const range = advertise === "slaac" ? `${at(0)},ra-stateless` : `${at(0x100)},${at(0x1ff)},slaac`;
    lines.push(`dhcp-range=set:${tag},${range},64,${LEASE}`);
    // A prefix holds for three intervals at least: at the usual ten minutes nobody would see one end.
    lines.push(`ra-param=${dev},10,${router ? 60 : 0}`);
    lines.push(`dhcp-option=tag:${tag},option6:dns-server,[${addressOf(v6)}]`);
  }
  return lines;
}
