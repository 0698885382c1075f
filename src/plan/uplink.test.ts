import test from "ava";
import { facts, lan, lease, nic, node } from "../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";

const two = [nic("eth0", { carrier: false }), nic("eth1")];

test("without a document every physical NIC is brought up and each with carrier is probed", (t) => {
  const kernel = { ...emptyKernel(), link: [physicalNic("eth0", 2, false), physicalNic("eth1", 3)] };
  const { target, uplink, decision } = compile([], facts({ nics: two }));
  t.is(uplink, null);
  const lines = diff(kernel, target).steps.map(explain);
  t.deepEqual(lines.slice(0, 2), ["ip link set eth0 up", "ip link set eth1 up"]);
  t.regex(lines[2] ?? "", /^service dhcp-eth1 run \S+ udhcpc -f -i eth1 /u);
  t.is(lines.length, 3);
  t.deepEqual(
    decision.map(({ nic: name, reasons }) => [name, reasons]),
    [
      ["eth0", ["has no carrier", "not probed without carrier"]],
      ["eth1", ["has carrier", "no DHCPv4 answer yet"]],
    ],
  );
});

test("the lease becomes an address and a default route, and the other NICs are no longer probed", (t) => {
  const kernel = {
    ...emptyKernel(),
    link: [
      { ...physicalNic("eth0", 2), up: true },
      { ...physicalNic("eth1", 3), up: true },
    ],
  };
  const nics = [nic("eth0"), nic("eth1")];
  const probing = applySteps(kernel, diff(kernel, compile([], facts({ nics })).target).steps);
  const { target, decision } = compile([], facts({ nics, leases: [lease("eth1")] }));
  t.deepEqual(diff(probing, target).steps.map(explain), [
    "service dhcp-eth0 remove",
    "service dhcp-eth1 remove",
    "ip link add zos address 52:54:00:12:34:56 up type bridge mcast_snooping off",
    "ip link set eth1 master zos",
    "ip addr add 192.168.50.17/24 dev zos",
    "ip route replace default via 192.168.50.1 dev zos metric 1024",
    "service dhcp-zos run /run/netloom/dhcp/start4 udhcpc -f -i zos -s /run/netloom/dhcp/report4 -t 4 -T 1 -A 2 -O ntpsrv -O search -O staticroutes -O mtu -V netloom",
  ]);
  t.deepEqual(
    decision.map(({ reasons }) => reasons),
    [
      ["has carrier", "no lease before eth1 had one", "eth1 was first"],
      ["has carrier", "DHCPv4 lease 192.168.50.17/24 from 192.168.50.1", "first NIC with carrier and a lease"],
    ],
  );
});

test("the NIC chosen before stays the uplink when another gets a lease: no flapping", (t) => {
  const nics = [nic("eth0"), nic("eth1")];
  const leases = [lease("eth0", { obtainedAt: 1 }), lease("eth1", { obtainedAt: 9 })];
  t.is(compile([], facts({ nics, leases, uplink: "eth1" })).uplink?.nic.name, "eth1");
  t.is(compile([], facts({ nics, leases })).uplink?.nic.name, "eth0");
});

test("an ignored NIC and a LAN's port are no candidates, and the record says why", (t) => {
  const documents = [node({ uplink: { mode: "dhcp4", ignore: ["eth1*"] } }), lan("lab", { nics: ["eth0"] })];
  const { decision, uplink } = compile(documents, facts({ nics: [nic("eth0"), nic("eth1")], leases: [lease("eth1")] }));
  t.is(uplink, null);
  t.deepEqual(
    decision.map(({ reasons }) => reasons),
    [["it is a port of Lan lab"], ["uplink.ignore names it (eth1*)"]],
  );
});

test("a lease that ends takes address and route away", (t) => {
  const kernel = { ...emptyKernel(), link: [{ ...physicalNic("eth1", 3), up: true }] };
  const nics = [nic("eth1")];
  const online = applySteps(kernel, diff(kernel, compile([], facts({ nics, leases: [lease("eth1")] })).target).steps);
  t.deepEqual(diff(online, compile([], facts({ nics })).target).steps.map(explain), [
    "service dhcp-zos remove",
    "ip link del zos",
    "service dhcp-eth1 run /run/netloom/dhcp/start4 udhcpc -f -i eth1 -s /run/netloom/dhcp/report4 -t 4 -T 1 -A 2 -O ntpsrv -O search -O staticroutes -O mtu -V netloom",
  ]);
});

test("when the cable is moved to another NIC, that one is asked and takes over; when it is only pulled, nothing changes", (t) => {
  const [pulled, other] = [nic("eth0", { carrier: false }), nic("eth1")];
  const leases = [lease("eth0", { obtainedAt: 1 })];
  const alone = compile([], facts({ nics: [pulled], leases, uplink: "eth0" }));
  t.is(alone.uplink?.nic.name, "eth0");

  const asking = compile([], facts({ nics: [pulled, other], leases, uplink: "eth0" }));
  t.is(asking.uplink?.nic.name, "eth0");
  const clients = asking.target.flatMap((object) => (object.kind === "process" ? [object.name] : []));
  t.deepEqual(clients, ["dhcp-zos", "dhcp-eth1"]);

  const moved = compile(
    [],
    facts({ nics: [pulled, other], leases: [...leases, lease("eth1", { obtainedAt: 9 })], uplink: "eth0" }),
  );
  t.is(moved.uplink?.nic.name, "eth1");
  t.deepEqual(
    moved.decision.map(({ reasons }) => reasons.join(", ")),
    [
      "has no carrier, DHCPv4 lease 192.168.50.17/24 from 192.168.50.1, eth1 has carrier and a lease",
      "has carrier, DHCPv4 lease 192.168.50.17/24 from 192.168.50.1, first NIC with carrier and a lease",
    ],
  );
});
