import { HOST, type ProcessSpec } from "../model/kernel.ts";

/** Where the client of a NIC reports its lease: one `key=value` per line, see `host/leases.ts`. */
export function leaseFile(runtimeDir: string, nic: string): string {
  return `${runtimeDir}/leases/${nic}`;
}

/**
 * udhcpc's event script. It configures nothing: it writes the lease down, and the daemon does the rest.
 * `deconfig` keeps the file, because udhcpc sends it at every start and a lease holds until it expires;
 * only a server's refusal (`nak`) ends it early. Times are seconds since the kernel started.
 * udhcpc's "mask" is the prefix length. It passes fixed-format values (addresses) only for the fields used here, never free text.
 */
const REPORT_SCRIPT = `#!/bin/sh
file="$NETLOOM_LEASE"
case "$1" in
bound | renew)
  read -r up _ </proc/uptime
  now="\${up%%.*}"
  umask 022
  mkdir -p "\${file%/*}"
  {
    printf 'ip=%s\\nprefix=%s\\n' "$ip" "$mask"
    printf 'router=%s\\nserver=%s\\n' "\${router%% *}" "$serverid"
    printf 'dns=%s\\nntp=%s\\n' "$dns" "$ntpsrv"
    printf 'obtained=%s\\nexpires=%s\\n' "$now" "$((now + \${lease:-3600}))"
  } >"$file.new" && mv -f "$file.new" "$file"
  ;;
nak) rm -f "$file" ;;
esac
exit 0
`;

/**
 * The DHCPv4 client of a NIC, on the NIC itself or on the bridge above it (`link`): a permanent service named as seed 002 has it,
 * `dhcp-<interface>`. The lease belongs to the NIC wherever the client runs.
 */
export function compileDhcpClient(link: string, nic: string, runtimeDir: string): ProcessSpec {
  const script = `${runtimeDir}/dhcp/report`;
  return {
    kind: "process",
    netns: HOST,
    name: `dhcp-${link}`,
    // Four quick tries, then a pause of 2 s, for ever: a server that comes up late, or a slow switch port, is met soon.
    argv: ["udhcpc", "-f", "-i", link, "-s", script, "-t", "4", "-T", "1", "-A", "2", "-O", "ntpsrv", "-V", "netloom"],
    env: { NETLOOM_LEASE: leaseFile(runtimeDir, nic) },
    files: [{ path: script, content: REPORT_SCRIPT, executable: true }],
    // The report outlives the client: it is the NIC's, and another client goes on with it. It ends by its own time.
    writes: [],
  };
}
