import test from "ava";
import { emptyKernel, applySteps, physicalNic } from "../testing/memory-kernel.ts";
import { facts, lease, nic, node } from "../testing/builders.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { questionsOf } from "./probe.ts";

const kernel = { ...emptyKernel(), link: [physicalNic("eth0", 2)] };
const document = node({ uplink: { mode: "auto" } });
const unanswered = { name: "IPv4 gateway", passed: false, detail: "192.168.50.1 does not answer" };

const started = compile([document], facts({ nics: [nic("eth0")] }));
const leased = compile(
  [document],
  facts({ nics: [nic("eth0", { probe: { since: 5, gateway4: unanswered } })], leases: [lease("eth0")], now: 6 }),
);
const answered = compile([document], facts({ nics: [nic("eth0")], leases: [lease("eth0")], now: 6 }));

/** Without the words of a service. */
const told = (line: string): string => line.replace(/ run .*/u, " run");

test("a NIC is probed in a namespace of its own, and takes no part in IPv6 before it is up", (t) => {
  const steps = diff(kernel, started.target).steps.filter(({ op }) => op !== "nft.load");
  const lines = steps.map(explain);
  t.deepEqual(lines.map(told), [
    "ip netns add probe-eth0",
    "sysctl -w net.ipv6.conf.eth0.disable_ipv6=1",
    "ip link set eth0 up",
    "ip -n probe-eth0 link add eth0 link eth0 (of the node) up type macvlan mode passthru",
    "ip netns exec probe-eth0 sysctl -w net.ipv6.conf.eth0.accept_ra=2",
    "ip netns exec probe-eth0 sysctl -w net.ipv6.conf.eth0.accept_ra_defrtr=1",
    "service dhcp-eth0 run",
  ]);
});

test("its lease is address and route in there, and its router is asked from there", (t) => {
  const probing = applySteps(kernel, diff(kernel, started.target).steps);
  t.deepEqual(diff(probing, leased.target).steps.map(explain), [
    "ip -n probe-eth0 addr add 192.168.50.17/24 dev eth0 valid-until 3605",
    "ip -n probe-eth0 route replace default via 192.168.50.1 dev eth0 metric 1024",
  ]);
  t.deepEqual(questionsOf(leased.settings, leased.choice), [
    {
      nic: "eth0",
      addresses: ["192.168.50.17/24"],
      question: { netns: "probe-eth0", dev: "eth0", gateways: ["192.168.50.1"], targets: [] },
    },
  ]);
});

test("chosen, the probe's link is gone before the NIC becomes a port, and the lease is the bridge's", (t) => {
  const probing = applySteps(kernel, diff(kernel, leased.target).steps);
  const { steps } = diff(probing, answered.target);
  t.deepEqual(steps.map(explain).map(told), [
    "service dhcp-eth0 remove",
    "ip -n probe-eth0 link del eth0",
    "ip link add zos address 52:54:00:12:34:56 up type bridge mcast_snooping off",
    "sysctl -w net.ipv6.conf.zos.accept_ra=2",
    "sysctl -w net.ipv6.conf.zos.accept_ra_defrtr=1",
    "sysctl -w net.ipv6.conf.zos.disable_ipv6=0",
    "ip link set eth0 master zos",
    "ip addr add 192.168.50.17/24 dev zos valid-until 3605",
    "ip route replace default via 192.168.50.1 dev zos metric 1024",
    "service dhcp-zos run",
  ]);
  t.deepEqual(questionsOf(answered.settings, answered.choice)[0]?.question, {
    netns: "",
    dev: "zos",
    gateways: ["192.168.50.1"],
    targets: [],
  });
});

test("its namespace stays empty while the uplink is set up, and goes with the pass after that", (t) => {
  t.is(answered.choice.deadline, 6);
  const probing = applySteps(kernel, diff(kernel, leased.target).steps);
  const online = applySteps(probing, diff(probing, answered.target).steps);
  t.deepEqual(
    online.netns.map(({ name }) => name),
    ["probe-eth0"],
  );
  const after = compile([document], facts({ nics: [nic("eth0")], leases: [lease("eth0")], now: 6, uplink: "eth0" }));
  t.deepEqual(diff(online, after.target).steps.map(explain), ["ip netns del probe-eth0"]);
});

test("of two NICs the one that is not chosen may get what it asked for, and then gives its lease back; the chosen one's is the bridge's", (t) => {
  const file = (name: string): string => `/run/netloom/leases/${name}.4`;
  const leases = ({ target }: ReturnType<typeof compile>): readonly unknown[] =>
    target.flatMap((object) =>
      object.kind === "process" && object.name.startsWith("dhcp") ? [[object.name, object.lease]] : [],
    );
  const other = lease("eth1", { address: "192.168.50.18/24", obtainedAt: 6 });
  const unanswering = ["eth0", "eth1"].map((name) => nic(name, { probe: { since: 5, gateway4: unanswered } }));
  const known = { leases: [lease("eth0"), other], now: 6 };
  t.deepEqual(leases(compile([document], facts({ ...known, nics: unanswering }))), [
    ["dhcp-eth0", { file: file("eth0"), release: "SIGUSR2" }],
    ["dhcp-eth1", { file: file("eth1"), release: "SIGUSR2" }],
  ]);

  const asked = [nic("eth0"), nic("eth1", { probe: { since: 5 } })];
  const chosen = compile([document], facts({ ...known, nics: asked, leases: [lease("eth0")] }));
  t.is(chosen.uplink?.nic.name, "eth0");
  // Its lease comes in the very moment, and it takes a pass until it has the address that it is given back from.
  const over = [nic("eth0"), nic("eth1", { probe: { since: 5, overSince: 6 } })];
  const late = compile([document], facts({ ...known, nics: over, uplink: "eth0", now: 7 }));
  t.is(late.choice.deadline, 8);
  for (const compiled of [chosen, late])
    t.deepEqual(leases(compiled), [
      ["dhcp-eth1", { file: file("eth1"), release: "SIGUSR2" }],
      ["dhcp-zos", { file: file("eth0") }],
    ]);
  // A pass that took long is no pass: the address is on its way still.
  const slow = compile([document], facts({ ...known, nics: over, uplink: "eth0", now: 20 }));
  t.deepEqual(leases(slow), leases(late));
  t.is(slow.choice.deadline, 20.1);
  const placed = [nic("eth0"), nic("eth1", { probe: { since: 5, overSince: 6, placed: other.address } })];
  const after = compile([document], facts({ ...known, nics: placed, uplink: "eth0", now: 8 }));
  t.deepEqual(leases(after), [["dhcp-zos", { file: file("eth0") }]]);
  t.is(after.choice.deadline, null);

  const both = { ...kernel, link: [physicalNic("eth0", 2), physicalNic("eth1", 3)] };
  const settled = applySteps(both, diff(both, late.target).steps);
  t.true(settled.address.some(({ netns, address }) => netns === "probe-eth1" && address === other.address));
  const lines = diff(settled, after.target).steps.map(explain);
  t.is(lines[0], "service dhcp-eth1 remove");
  t.true(lines.includes("ip netns del probe-eth1"), lines.join("\n"));
});

test("on a VLAN the probe asks there, and the VLAN of the NIC becomes the port", (t) => {
  const tagged = node({ uplink: { vlan: 5 } });
  const lines = (part: Parameters<typeof facts>[0]): readonly string[] =>
    diff(kernel, compile([tagged], facts(part)).target)
      .steps.map(explain)
      .map(told);
  const probing = lines({ nics: [nic("eth0")] });
  t.true(
    probing.includes("ip -n probe-eth0 link add eth0.5 link eth0 up type vlan id 5 protocol 802.1Q"),
    probing.join("\n"),
  );
  t.true(probing.includes("service dhcp-eth0.5 run"));
  // Nothing below the VLAN says a word of IPv6, which would have no tag.
  const silent = probing.indexOf("ip netns exec probe-eth0 sysctl -w net.ipv6.conf.default.disable_ipv6=1");
  t.true(
    silent >= 0 && silent < probing.findIndex((line) => /link add eth0 link eth0 /u.test(line)),
    probing.join("\n"),
  );
  t.true(
    probing.includes("ip netns exec probe-eth0 sysctl -w net.ipv6.conf.eth0/5.disable_ipv6=0"),
    probing.join("\n"),
  );
  const chosen = lines({ nics: [nic("eth0")], leases: [lease("eth0")], now: 6 });
  t.true(
    chosen.includes("ip link add eth0.5 link eth0 master zos up type vlan id 5 protocol 802.1Q"),
    chosen.join("\n"),
  );
  t.true(chosen.includes("sysctl -w net.ipv6.conf.eth0/5.disable_ipv6=1"), chosen.join("\n"));
  t.false(chosen.some((line) => /link set eth0 .*master/u.test(line)));
});

test("a bridge that gets another NIC has no IPv6 for that pass, so that nothing of the old network stays", (t) => {
  const both = [nic("eth0", { carrier: false }), nic("eth1")];
  const known = { nics: both, leases: [lease("eth0"), lease("eth1")] };
  const dual = node({ uplink: { addresses: ["2001:db8::9/64"] } });
  const moving = compile([dual], facts({ ...known, uplink: "eth0", uplinkLost: 90, now: 100 }));
  t.is(moving.uplink?.nic.name, "eth1");
  t.is(moving.choice.deadline, 100);
  const told6 = ({ target }: ReturnType<typeof compile>): readonly string[] =>
    target.flatMap((object) => {
      if (object.kind === "address") return [object.address];
      return object.kind === "sysctl" && object.key === "net.ipv6.conf.zos.disable_ipv6" ? [object.value] : [];
    });
  t.deepEqual(told6(moving), ["192.168.50.17/24", "1"]);
  const after = compile([dual], facts({ ...known, uplink: "eth1", now: 100 }));
  t.deepEqual(told6(after).toSorted(), ["0", "192.168.50.17/24", "2001:db8::9/64"]);
});

test("while nothing is chosen a NIC without carrier has its place to be asked from, and no client; it goes after the choice", (t) => {
  const nics = [nic("eth0"), nic("eth1", { carrier: false })];
  const names = ({ target }: ReturnType<typeof compile>, kind: "netns" | "process"): readonly string[] =>
    target.flatMap((object) => (object.kind === kind ? [object.name] : []));
  const waiting = compile([document], facts({ nics }));
  t.deepEqual(names(waiting, "netns"), ["probe-eth0", "probe-eth1"]);
  t.deepEqual(names(waiting, "process"), ["dhcp-eth0"]);
  const chosen = compile([document], facts({ nics, leases: [lease("eth0")], now: 6 }));
  t.deepEqual(names(chosen, "netns"), ["probe-eth0", "probe-eth1"], "empty, for one pass");
  const after = compile([document], facts({ nics, leases: [lease("eth0")], now: 6, uplink: "eth0" }));
  t.deepEqual(names(after, "netns"), []);
});
