import test from "ava";
import { facts, nic, node } from "../testing/builders.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { compile } from "./compile.ts";

const nics = [
  nic("eth0", { mac: "52:54:00:00:00:01", driver: "virtio_net", pci: "0000:00:03.0", speed: 1000 }),
  nic("eth1", { mac: "52:54:00:00:00:02", driver: "e1000" }),
  nic("l-lab", { physical: false }),
];

function unmatched(cmdline: string, uplink?: Parameters<typeof node>[0], there = nics): readonly string[] {
  const { flags } = parseCommandLine(cmdline);
  return compile(uplink === undefined ? [] : [node(uplink)], facts({ flags, nics: there })).unmatched;
}

test("a pattern that no NIC matches is named with what set it and what there is, whatever it is for", (t) => {
  t.deepEqual(unmatched("netloom.nic=eth9,eth0 netloom.ignore=wlan*"), [
    "no NIC matches eth9 (flag netloom.nic=eth9,eth0): there are eth0, eth1",
    "no NIC matches wlan* (flag netloom.ignore=wlan*): there are eth0, eth1",
  ]);
  t.deepEqual(unmatched("", { uplink: { nics: ["up*"], ignore: ["eth1"] } }), [
    "no NIC matches up* (Node node): there are eth0, eth1",
  ]);
  t.deepEqual(unmatched("bootdev=eth7 ip=eth8:dhcp"), [
    "no NIC matches eth8 (flag ip=eth8:dhcp): there are eth0, eth1",
    "no NIC matches eth7 (flag bootdev=eth7): there are eth0, eth1",
  ]);
  t.deepEqual(unmatched("netloom.nic=eth0", undefined, []), [
    "no NIC matches eth0 (flag netloom.nic=eth0): there is none",
  ]);
});

test("a NIC that another word stands on and that is not there is named too", (t) => {
  const bonded = "bond=bond0:eth0,eth7:mode=1";
  t.deepEqual(unmatched(`${bonded} vlan=eth8.5:eth8 rd.route=10.0.0.0/8:10.1.1.1:eth9`), [
    `no NIC matches eth7 (flag ${bonded}): there are eth0, eth1`,
    "no NIC matches eth8 (flag vlan=eth8.5:eth8): there are eth0, eth1",
    "no NIC matches eth9 (flag rd.route=10.0.0.0/8:10.1.1.1:eth9): there are eth0, eth1",
  ]);
  t.deepEqual(unmatched("ifname=lan0:52:54:00:00:00:09 ip=lan0:dhcp"), [
    "no NIC matches lan0 (flag ip=lan0:dhcp): there are eth0, eth1",
    "no NIC matches 52:54:00:00:00:09 (flag ifname=lan0:52:54:00:00:00:09): there are eth0 (52:54:00:00:00:01), eth1 (52:54:00:00:00:02)",
  ]);
});

test("NICs are shown by what the pattern looks at", (t) => {
  const there = (pattern: string): string =>
    unmatched(`netloom.nic=${pattern}`)[0]?.replace(/.*: there/u, "there") ?? "";
  t.is(there("52:54:00:00:00:09"), "there are eth0 (52:54:00:00:00:01), eth1 (52:54:00:00:00:02)");
  t.is(there("driver:ixgbe"), "there are eth0 (virtio_net), eth1 (e1000)");
  t.is(there("pci:0000:00:09.0"), "there are eth0 (0000:00:03.0), eth1 (unknown)");
  t.is(there("speed:>=10000"), "there are eth0 (1000 Mb/s), eth1 (unknown)");
});

test("what matches is not mentioned, nor is a link that the command line is about to make", (t) => {
  t.deepEqual(unmatched("netloom.nic=eth* netloom.ignore=driver:e1000 bootdev=eth0"), []);
  t.deepEqual(unmatched("bond=bond0:eth0,eth1 ip=bond0:dhcp"), []);
  t.deepEqual(unmatched("ifname=lan0:52:54:00:00:00:01 ip=lan0:dhcp"), []);
  t.deepEqual(unmatched("vlan=eth0.5:eth0 vlan=eth0.5.7:eth0.5 rd.route=10.0.0.0/8:10.1.1.1:zos"), []);
});
