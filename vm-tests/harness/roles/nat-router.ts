import { cidr, hostAt, sizeOf } from "../../../src/lib/ip.ts";
import type { NatRouterNode } from "../topology-schema.ts";
import { networkOfNic, type NodeSpec } from "../topology.ts";
import { debian } from "./debian.ts";
import { hostOf, networkCidr, type RolePlace } from "./place.ts";
import { stay } from "./userland.ts";

/** Debian with a foot outside (eth0) and one inside (eth1): those inside get addresses of it, and outside only it is seen. */
export function natRouter(node: NatRouterNode, place: RolePlace): NodeSpec {
  const { outside = "dhcp", via, inside, ...own } = node;
  const range = inside ?? networkCidr(place.networks, networkOfNic(own.nics[1] ?? ""));
  return debian(
    {
      ...own,
      role: "debian",
      addresses: [outside, hostOf(range, 1)],
      ...(via === undefined ? {} : { via }),
      services: { nat, dhcp: "exec dnsmasq --keep-in-foreground --conf-file=/etc/lab/dnsmasq.conf" },
      files: { "/etc/lab/dnsmasq.conf": dnsmasqConf(range), "/etc/lab/nat.nft": ruleset, ...own.files },
    },
    place,
  );
}

const nat = `sysctl -qw net.ipv4.ip_forward=1 && nft -f /etc/lab/nat.nft || exit 1\n${stay}`;

/** Named first and deleted, so that loading it again replaces it: nft(8). */
const ruleset = `table ip lab
delete table ip lab
table ip lab {
    chain forward {
        type filter hook forward priority filter; policy drop;
        iifname "eth1" accept
        ct state established,related accept
    }
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "eth0" masquerade
    }
}
`;

/** It tells its own address as router and DNS server: dnsmasq(8) does so unless told otherwise. */
function dnsmasqConf(range: string): string {
  const network = cidr(range);
  const size = Number(sizeOf(network));
  // The lower quarter is left for fixed addresses, as Netloom's own LANs do.
  const [from, to] = [Math.max(2, Math.floor(size / 4)), size - 2].map((n) => hostAt(network, n).address);
  return [
    ...["interface=eth1", "except-interface=lo", "bind-dynamic", "user=root", "no-hosts", "dhcp-authoritative"],
    // A ping of each new address would delay its offer by up to 3 s.
    ...["no-ping", "pid-file=/run/lab-dhcp.pid", `dhcp-range=${from},${to},1h`, "dhcp-leasefile=/run/lab-leases", ""],
  ].join("\n");
}
