import { releasing, type ProcessLease, type ProcessSpec } from "../model/kernel.ts";

/** A DHCP client of either family. It configures nothing: it reports leases, which are facts. */
export interface DhcpClient {
  /** Where the link is. */
  readonly netns: string;
  /** The link it asks on: a probe's, or the uplink's bridge. It has the NIC's MAC, by which servers know us. */
  readonly link: string;
  /** The NIC whose network it is. The lease is the NIC's, so that what a probe got holds on the bridge too. */
  readonly nic: string;
  /** How often the NIC got carrier: another number is another cable, and the client begins anew. */
  readonly carrierUps?: number;
  readonly runtimeDir: string;
  /** Its lease is given back when nobody goes on with it: that of a probe whose NIC was not chosen. */
  readonly givesBack?: boolean;
}

export interface Dhcp4Client extends DhcpClient {
  /** Option 61 as type and value, "01:52:54:00:12:34:56"; left out, udhcpc makes it from the MAC. */
  readonly clientId?: string;
  /** Told to the server (option 12). */
  readonly hostname?: string;
}

/** Where the clients of a NIC report: one `key=value` a line, which `host/leases.ts` reads. */
export function leaseFile(runtimeDir: string, nic: string, family: 4 | 6): string {
  return `${runtimeDir}/leases/${nic}.${family}`;
}

/** What a client holds: the file that it reports to, and the signal upon which it gives the lease back. */
export function leaseOf(
  { runtimeDir, nic, givesBack = false }: DhcpClient,
  family: 4 | 6,
  release: NonNullable<ProcessLease["release"]>,
): ProcessLease {
  return { file: leaseFile(runtimeDir, nic, family), ...(givesBack ? { release } : {}) };
}

/** Beginning of both report scripts: `now` in seconds since the kernel started, and a filter for text that a server chooses. */
export const REPORT_HEAD: string = `#!/bin/sh
file="$NETLOOM_LEASE"
released="${releasing("$file")}"
read -r up _ </proc/uptime
now="\${up%%.*}"
umask 022
mkdir -p "\${file%/*}"
names() {
  case "$1" in
  *[!A-Za-z0-9._\\ -]*) ;;
  *) printf '%s' "$1" ;;
  esac
}
`;

/**
 * udhcpc's event script. It configures nothing: it writes the lease down, and the daemon does the rest.
 * \`deconfig\` keeps the file, because udhcpc sends it at every start and a lease holds until it expires;
 * only a server's refusal (\`nak\`) ends it early. It is also what udhcpc says when it has given a lease back, which ends that. udhcpc's
 * "mask" is the prefix length.
 */
const REPORT_SCRIPT = `${REPORT_HEAD}case "$1" in
bound | renew)
  printf '%s=%s\\n' \\
    ip "$ip" prefix "$mask" router "$router" routes "$staticroutes" server "$serverid" dns "$dns" ntp "$ntpsrv" \\
    hostname "$(names "$hostname")" domain "$(names "$domain")" search "$(names "$search")" mtu "$mtu" \\
    carrier "$NETLOOM_CARRIER" obtained "$now" expires "$((now + \${lease:-3600}))" \\
    >"$file.new" && mv -f "$file.new" "$file"
  ;;
nak) rm -f "$file" ;;
deconfig) rm -f "$released" ;;
esac
exit 0
`;

/** Starts udhcpc, which asks for the address that the last report has: after a restart or a switch of links the server knows us again. */
const START_SCRIPT = `#!/bin/sh
last=
[ ! -r "$NETLOOM_LEASE" ] || while IFS== read -r key value; do
  [ "$key" != ip ] || last="$value"
done <"$NETLOOM_LEASE"
exec "$@" \${last:+-r "$last"}
`;

/** Options beside those that udhcpc asks for by itself: NTP, search list, classless routes, MTU (RFC 2132, 3397, 3442). */
const OPTIONS = ["ntpsrv", "search", "staticroutes", "mtu"].flatMap((name) => ["-O", name]);

/** The DHCPv4 client of a NIC, a permanent service named as seed 002 has it: `dhcp-<interface>`. */
export function compileDhcp4Client(client: Dhcp4Client): ProcessSpec {
  const { netns, link, carrierUps, runtimeDir, ...told } = client;
  const [start, report] = [`${runtimeDir}/dhcp/start4`, `${runtimeDir}/dhcp/report4`];
  // udhcpc releases upon SIGUSR2 and asks for nothing until it is told to; it sends from its address, which the probe has.
  const lease = leaseOf(client, 4, "SIGUSR2");
  const clientId = told.clientId === undefined ? [] : ["-x", `0x3d:${told.clientId.replaceAll(":", "")}`];
  const hostname = told.hostname === undefined ? [] : ["-x", `hostname:${told.hostname}`];
  // One try a second, for ever: a server that comes up late, or a slow switch port, is met after half a second in the mean. With a
  // pause of 2 s after every fourth it was a whole one.
  const tries = ["-t", "10", "-T", "1", "-A", "1"];
  return {
    kind: "process",
    netns,
    name: `dhcp-${link}`,
    argv: [
      start,
      "udhcpc",
      "-f",
      "-i",
      link,
      "-s",
      report,
      ...tries,
      ...OPTIONS,
      "-V",
      "netloom",
      ...clientId,
      ...hostname,
    ],
    env: { NETLOOM_LEASE: lease.file, NETLOOM_CARRIER: `${carrierUps ?? ""}` },
    files: [
      { path: start, content: START_SCRIPT, executable: true },
      { path: report, content: REPORT_SCRIPT, executable: true },
    ],
    // The report outlives the client: it is the NIC's, and another client goes on with it. It ends by its own time.
    writes: [],
    lease,
  };
}
