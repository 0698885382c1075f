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
    "ip route replace -6 default via fe80::1 dev eth0",
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
  [{ op: "process.del", args: { name: "dnsmasq-lab" } }, "service dnsmasq-lab remove"],
];

for (const [step, line] of LINES) {
  test(`${step.op} reads: ${line}`, (t) => {
    t.is(explain(step), line);
  });
}
