import test from "ava";
import type { Step } from "../model/step.ts";
import { keyFact, testKey } from "../testing/builders.ts";
import { explain } from "./explain.ts";

const place = { netns: "ndemo", dev: "w-demo" };

const LINES: readonly (readonly [Step, string])[] = [
  [{ op: "netns.add", args: { name: "ndemo" } }, "ip netns add ndemo"],
  [
    { op: "link.set", args: { netns: "", name: "eth1", up: true, master: "l-lab" } },
    "ip link set eth1 master l-lab up",
  ],
  [{ op: "link.set", args: { netns: "", name: "eth1", master: null } }, "ip link set eth1 nomaster"],
  [{ op: "link.del", args: { netns: "ndemo", name: "private" } }, "ip -n ndemo link del private"],
  [
    { op: "sysctl.set", args: { kind: "sysctl", netns: "ndemo", key: "net.ipv4.ip_forward", value: "1" } },
    "ip netns exec ndemo sysctl -w net.ipv4.ip_forward=1",
  ],
  [
    { op: "route.add", args: { kind: "route", netns: "", to: "::/0", dev: "eth0", via: "fe80::1" } },
    "ip -6 route replace default via fe80::1 dev eth0",
  ],
  [
    {
      op: "route.del",
      args: { kind: "route", netns: "", to: "0.0.0.0/0", dev: "eth0", via: "10.0.0.1", metric: 1024 },
    },
    "ip route del default via 10.0.0.1 dev eth0 metric 1024",
  ],
  [
    { op: "nft.del", args: { netns: "ndemo", family: "inet", table: "netloom" } },
    "ip netns exec ndemo nft delete table inet netloom",
  ],
  [
    { op: "wireguard.device", args: { kind: "wireguard", ...place, ...keyFact("demo"), listenPort: 51820 } },
    `ip netns exec ndemo wg set w-demo listen-port 51820 private-key (of ${testKey("public demo")})`,
  ],
  [
    {
      op: "wireguard.peer",
      args: { ...place, peer: { publicKey: "K", allowedIps: ["10.0.0.0/24", "fd00::/64"], keepalive: 0 } },
    },
    "ip netns exec ndemo wg set w-demo peer K persistent-keepalive 0 allowed-ips 10.0.0.0/24,fd00::/64",
  ],
  [{ op: "wireguard.unpeer", args: { ...place, publicKey: "K" } }, "ip netns exec ndemo wg set w-demo peer K remove"],
  [
    {
      op: "ovs.set",
      args: {
        name: "lab",
        datapathType: "netdev",
        ports: [
          { name: "lab", type: "internal", tag: 5, trunks: [], vlanMode: null },
          { name: "p1", type: "system", tag: 5, trunks: [7, 8], vlanMode: "native-untagged" },
          { name: "gw", type: "internal", tag: null, trunks: [], vlanMode: null },
        ],
      },
    },
    "ovs-vsctl --may-exist add-br lab -- set Bridge lab datapath_type=netdev -- set Port lab tag=5 -- --may-exist add-port lab p1 -- set Port p1 tag=5 trunks=7,8 vlan_mode=native-untagged -- --may-exist add-port lab gw -- set Interface gw type=internal",
  ],
  [{ op: "ovs.unport", args: { name: "lab", ports: ["p1", "p2"] } }, "ovs-vsctl del-port lab p1 -- del-port lab p2"],
  [{ op: "ovs.del", args: { name: "lab", ports: ["lab"] } }, "ovs-vsctl del-br lab"],
  [{ op: "process.del", args: { name: "dnsmasq-lab" } }, "service dnsmasq-lab remove"],
  [
    {
      op: "link.add",
      args: {
        kind: "link",
        netns: "ndemo",
        name: "vlan5",
        type: "vlan",
        options: { id: 5, protocol: "802.1ad" },
        lower: { netns: "", name: "eth1" },
      },
    },
    "ip -n ndemo link add vlan5 link eth1 (of the node) up type vlan id 5 protocol 802.1ad",
  ],
  [
    { op: "link.add", args: { kind: "link", netns: "", name: "p0", type: "dummy", down: true } },
    "ip link add p0 type dummy",
  ],
  [
    { op: "link.set", args: { netns: "", name: "b0", options: { type: "bridge", set: { vlanFiltering: true } } } },
    "ip link set b0 type bridge vlan_filtering on",
  ],
  [{ op: "link.set", args: { netns: "", name: "p0", up: false } }, "ip link set p0 down"],
  [
    { op: "link.port", args: { netns: "", name: "v0", port: { isolated: true, neighSuppress: false } } },
    "bridge link set dev v0 isolated on neigh_suppress off",
  ],
  [
    { op: "vlan.add", args: { netns: "", name: "v0", vlan: { id: 5, pvid: true, untagged: true } } },
    "bridge vlan add dev v0 vid 5 pvid untagged",
  ],
  [
    { op: "vlan.del", args: { netns: "ndemo", name: "b0", id: 1, self: true } },
    "bridge -n ndemo vlan del dev b0 vid 1 self",
  ],
  [
    {
      op: "address.add",
      args: { kind: "address", netns: "", dev: "eth0", address: "10.0.0.1/24", validUntil: 900, preferredUntil: 600 },
    },
    "ip addr add 10.0.0.1/24 dev eth0 valid-until 900 preferred-until 600",
  ],
  [
    { op: "neighbor.add", args: { kind: "neighbor", ...place, to: "10.0.0.5", mac: "02:00:00:00:00:01" } },
    "ip -n ndemo neigh replace 10.0.0.5 lladdr 02:00:00:00:00:01 dev w-demo",
  ],
  [
    { op: "neighbor.del", args: { kind: "neighbor", ...place, to: "10.0.0.5", proxy: true } },
    "ip -n ndemo neigh del proxy 10.0.0.5 dev w-demo",
  ],
  [
    {
      op: "fdb.add",
      args: { kind: "fdb", netns: "", dev: "x0", mac: "00:00:00:00:00:00", remote: "192.0.2.1", vni: 7 },
    },
    "bridge fdb append 00:00:00:00:00:00 dev x0 dst 192.0.2.1 vni 7 self",
  ],
  [
    { op: "fdb.del", args: { kind: "fdb", netns: "", dev: "v0", mac: "02:00:00:00:00:01", vlan: 5 } },
    "bridge fdb del 02:00:00:00:00:01 dev v0 vlan 5 master static",
  ],
  [
    {
      op: "rule.add",
      args: {
        kind: "rule",
        netns: "",
        family: 4,
        priority: 100,
        from: "10.0.0.0/8",
        fwmark: { value: 1, mask: 255 },
        table: 7,
      },
    },
    "ip rule add priority 100 from 10.0.0.0/8 fwmark 0x1/0xff lookup 7",
  ],
  [
    {
      op: "rule.del",
      args: { kind: "rule", netns: "ndemo", family: 6, priority: 9, iif: "eth0", action: "blackhole" },
    },
    "ip -n ndemo -6 rule del priority 9 from all iif eth0 blackhole",
  ],
  [
    {
      op: "route.add",
      args: {
        kind: "route",
        netns: "",
        to: "0.0.0.0/0",
        table: 7,
        hops: [{ dev: "eth0", via: "10.0.0.1", weight: 2 }, { dev: "eth1" }],
      },
    },
    "ip route replace default table 7 nexthop via 10.0.0.1 dev eth0 weight 2 nexthop dev eth1",
  ],
  [
    {
      op: "route.add",
      args: {
        kind: "route",
        netns: "",
        to: "10.0.0.0/8",
        dev: "eth0",
        via: "10.9.9.9",
        source: "10.1.1.1",
        mtu: 1300,
        advmss: 1200,
        onlink: true,
      },
    },
    "ip route replace 10.0.0.0/8 via 10.9.9.9 dev eth0 src 10.1.1.1 mtu 1300 advmss 1200 onlink",
  ],
  [
    { op: "route.del", args: { kind: "route", netns: "", to: "10.0.0.0/8", type: "unreachable" } },
    "ip route del unreachable 10.0.0.0/8",
  ],
];

for (const [step, line] of LINES) {
  test(`${step.op} reads: ${line}`, (t) => {
    t.is(explain(step), line);
  });
}
