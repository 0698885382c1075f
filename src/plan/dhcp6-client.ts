import type { KernelObject } from "../model/kernel.ts";
import { leaseOf, REPORT_HEAD, type DhcpClient } from "./dhcp-client.ts";
import { ipv6Parameter } from "./ipv6-parameter.ts";

export interface Dhcp6Client extends DhcpClient {
  /** MAC of the NIC: what makes the DUID, so that it is stable over reboots and another one on clones. */
  readonly mac: string;
  /** Ask for an address (flag M of the router advertisement). Without it and without `prefix` only for servers' addresses (flag O). */
  readonly address: boolean;
  /** Ask for a prefix to delegate. */
  readonly prefix?: boolean;
}

/**
 * dhcpcd's event script. A report is whole: what it does not name any more is gone. EXPIRE6 and STOPPED end nothing, because dhcpcd
 * says them whenever it loses carrier or ends, and a lease has its times. A lease from before the NIC got carrier again is doubted:
 * unless it is reported once more it ends soon (\`host/leases.ts\`), for it may be another network's.
 */
const REPORT_SCRIPT = `${REPORT_HEAD}leases() {
  at=1
  while eval "value=\\"\\\${new_dhcp6_ia_$1$at-}\\"" && [ -n "$value" ]; do
    eval "length=\\"\\\${new_dhcp6_ia_$1\${at}_length-128}\\" preferred=\\"\\\${new_dhcp6_ia_$1\${at}_pltime-0}\\" valid=\\"\\\${new_dhcp6_ia_$1\${at}_vltime-0}\\""
    printf '%s/%s,%s,%s ' "$value" "$length" "$((now + preferred))" "$((now + valid))"
    at=$((at + 1))
  done
}
echo 0 2>/dev/null >"/proc/sys/net/ipv6/conf/$interface/addr_gen_mode"
case "$reason" in
RELEASE6) rm -f "$released" ;;
BOUND6 | RENEW6 | REBIND6 | REBOOT6 | INFORM6 | DELEGATED6)
  printf '%s=%s\\n' \\
    addresses "$(leases na1_ia_addr)" prefixes "$(leases pd1_prefix)" server "$new_dhcp6_server_id" \\
    dns "$new_dhcp6_name_servers" ntp "$new_dhcp6_ntp_server_addr $new_dhcp6_sntp_servers" \\
    search "$(names "$new_dhcp6_domain_search")" carrier "$NETLOOM_CARRIER" obtained "$now" \\
    >"$file.new" && mv -f "$file.new" "$file"
  ;;
PREINIT | CARRIER)
  [ "$reason" = CARRIER ] || rm -f "$released"
  [ -r "$file" ] || exit 0
  doubted=no carrier=
  while IFS== read -r key value; do
    case "$key" in
    carrier) carrier="$value" ;;
    doubted) doubted=yes ;;
    esac
  done <"$file"
  [ "$carrier" = "$NETLOOM_CARRIER" ] || [ "$doubted" = yes ] || printf 'doubted=%s\\n' "$now" >>"$file"
  ;;
esac
exit 0
`;

/**
 * Starts dhcpcd once the link has a link-local address that is no longer tentative: without one it gives DHCPv6 up for good.
 * /proc/net/if_inet6: address, index, prefix length, scope (20 is link), flags (40 is tentative), name.
 * What it knows of another cable's network is removed, since it would ask whether that lease still holds, and some servers do not answer.
 */
const START_SCRIPT = `#!/bin/sh
link="$1" conf="$2" cable="$3"
read -r last 2>/dev/null <"$cable" && [ "$last" = "$NETLOOM_CARRIER" ] || rm -f "/var/lib/dhcpcd/$link.lease6"
printf '%s\\n' "$NETLOOM_CARRIER" >"$cable"
ready() {
  while read -r _ _ _ scope flags name; do
    [ "$name" = "$link" ] && [ "$scope" = 20 ] && [ $((0x$flags & 0x40)) = 0 ] && return 0
  done </proc/net/if_inet6
  return 1
}
until ready; do sleep 0.2; done
exec dhcpcd -B -f "$conf" "$link"
`;

/**
 * The DHCPv6 client of a NIC, unit `dhcp6-<interface>`: dhcpcd told to configure nothing and to leave router advertisements to the
 * kernel. Not udhcpc6, which draws another IAID at each start, so that three starts are three leases (measured).
 * dhcpcd switches the kernel's link-local addresses off on its link all the same; its script has them back at once, and the parameter
 * beside it whenever that was in vain.
 */
export function compileDhcp6Client(client: Dhcp6Client): readonly KernelObject[] {
  const { netns, link, carrierUps, runtimeDir, mac, address, prefix = false } = client;
  // dhcpcd releases upon SIGALRM, once and without waiting for an answer, and ends.
  const lease = leaseOf(client, 6, "SIGALRM");
  const directory = `${runtimeDir}/dhcp`;
  const [start, report, path] = [`${directory}/start6`, `${directory}/report6`, `${directory}/${link}.6.conf`];
  const lines = [
    ...["ipv6only", "noipv6rs", "noconfigure", "persistent", "nodelay", `script ${report}`],
    // RFC 8415, section 11.4: DUID-LL of an Ethernet address.
    `duid 00:03:00:01:${mac}`,
    ...(address ? ["ia_na"] : []),
    // "-": nothing is made of it.
    ...(prefix ? ["ia_pd 1 -"] : []),
    ...(address || prefix ? [] : ["inform6"]),
    "option dhcp6_name_servers, dhcp6_domain_search, dhcp6_ntp_server, dhcp6_sntp_servers",
    `env NETLOOM_LEASE=${lease.file}`,
    `env NETLOOM_CARRIER=${carrierUps ?? ""}`,
  ];
  return [
    ipv6Parameter(netns, link, "addr_gen_mode", "0"),
    {
      kind: "process",
      netns,
      name: `dhcp6-${link}`,
      argv: [start, link, path, `${directory}/${link}.6.cable`],
      env: { NETLOOM_CARRIER: `${carrierUps ?? ""}` },
      files: [
        { path: start, content: START_SCRIPT, executable: true },
        { path: report, content: REPORT_SCRIPT, executable: true },
        { path, content: `${lines.join("\n")}\n` },
      ],
      // The report outlives the client, as that of DHCPv4 does.
      writes: [`${directory}/${link}.6.cable`],
      lease,
    },
  ];
}
