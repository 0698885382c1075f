import type { GuestFiles } from "../topology.ts";

/** Files that make services of shell scripts, as the supervisor of the image runs them (image/mkosi.extra/etc/netloom/services). */
export function serviceFiles(scripts: Readonly<Record<string, string>>): GuestFiles {
  return Object.fromEntries(
    Object.entries(scripts).flatMap(([name, script]) => [
      [`/usr/lib/lab/${name}`, program(script)],
      [
        `${services}/${name}/run`,
        program(`exec 2>&1\nexec /usr/libexec/netloom/in-cgroup ${name} /usr/lib/lab/${name}`),
      ],
    ]),
  );
}

const services = "/etc/netloom/services";

/** What keeps a service that has nothing more to do from being started again. */
export const stay = "exec sleep 2147483647";

/** Keeps the Netloom daemon from being started: a file `down` in its service, s6-supervise(8). */
export const withoutDaemon: GuestFiles = { [`${services}/netloom/down`]: "" };

function program(script: string): GuestFiles[string] {
  return { content: `#!/bin/sh\n${script}\n`, mode: 0o755 };
}

/** Event script of udhcpc (busybox): address, default route and name servers of a lease. Its "mask" is the prefix length. */
const leaseScript = `case $1 in
deconfig) ip link set "$interface" up ;;
bound | renew)
    ip address replace "$ip/$mask" dev "$interface"
    for router in $router; do ip route replace default via "$router" dev "$interface" && break; done
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    ;;
esac`;

export const leaseFiles: GuestFiles = { "/usr/lib/lab/lease": program(leaseScript) };

/** The script of a service that gives a NIC its address: "dhcp", "none" (it is only up), or an address with its prefix length. */
export function addressScript(nic: string, address: string, via?: string): string {
  const lines = [`ip link set ${nic} up`];
  // The tries of udhcpc as Netloom has them: a server that comes up late is met soon.
  if (address === "dhcp") return [...lines, `exec udhcpc -f -i ${nic} -s /usr/lib/lab/lease -t 4 -T 1 -A 2`].join("\n");
  if (address !== "none") lines.push(`ip address replace ${address} dev ${nic}`);
  if (via !== undefined) lines.push(`ip route replace default via ${via} dev ${nic}`);
  return [...lines, stay].join("\n");
}
