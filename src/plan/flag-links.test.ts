import test from "ava";
import type { LeaseFact, NicFact } from "../model/facts.ts";
import { facts, nic } from "../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { compile, type Compiled } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";

const eth0 = nic("eth0", { mac: "52:54:00:00:00:02", permanentMac: "52:54:00:00:00:02" });
const eth1 = nic("eth1", { mac: "52:54:00:00:00:03", permanentMac: "52:54:00:00:00:03" });
const kernel = { ...emptyKernel(), link: [physicalNic("eth0", 2), physicalNic("eth1", 3)] };

function compiled(cmdline: string, nics: readonly NicFact[] = [eth0, eth1]): Compiled {
  const { flags, rejected } = parseCommandLine(cmdline);
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  return compile([], facts({ nics, flags }));
}

/** The steps that concern links, and that they leave nothing to do. */
function linkSteps(target: Compiled["target"]): readonly string[] {
  const { steps } = diff(kernel, target);
  const again = diff(applySteps(kernel, steps), target).steps;
  if (again.length > 0) throw new Error(again.map(explain).join("\n"));
  return steps.filter(({ op }) => op.startsWith("link.")).map(explain);
}

/** What a network answered on a link that the command line made. */
function answered(name: string, made: NonNullable<NicFact["made"]>): NicFact {
  const lease4: LeaseFact = {
    nic: name,
    address: "10.0.0.7/24",
    router: "10.0.0.1",
    dns: [],
    ntp: [],
    obtainedAt: 1,
    expiresAt: 9999,
  };
  const gateway4 = { name: "gateway", passed: true, detail: "answers" };
  return { ...nic(name, { mac: eth0.mac }), physical: false, made, probe: { since: 0, lease4, gateway4 } };
}

test("a bond gets its ports, watches their carrier, and stands for them as the only candidate", (t) => {
  const { target, decision } = compiled("bond=bond0:eth0,eth1:mode=active-backup,primary=eth1:1400");
  t.deepEqual(linkSteps(target), [
    "ip link add bond0 mtu 1400 up type bond mode active-backup miimon 100",
    "ip link set eth0 master bond0",
    "ip link set eth1 master bond0",
    "ip link set bond0 type bond primary eth1",
  ]);
  t.deepEqual(
    decision.map(({ nic: name, reasons }) => [name, reasons]),
    [
      ["eth0", ["it is a port of bond0 (bond=bond0:eth0,eth1:mode=active-backup,primary=eth1:1400)"]],
      ["eth1", ["it is a port of bond0 (bond=bond0:eth0,eth1:mode=active-backup,primary=eth1:1400)"]],
    ],
  );
  const chosen = compiled("bond=bond0:eth0,eth1", [eth0, eth1, answered("bond0", "bond")]);
  t.is(chosen.uplink?.nic.name, "bond0");
  t.deepEqual(
    chosen.target.flatMap((object) => (object.kind === "link" && object.name === "bond0" ? [object] : [])),
    [
      {
        kind: "link",
        netns: "",
        name: "bond0",
        type: "bond",
        options: { mode: "balance-rr", miimon: 100 },
        master: "zos",
      },
    ],
    "one link, made by the flag and plugged in by the choice",
  );
});

test("a bond has no larger MTU than each of its ports takes", (t) => {
  const nics = [eth0, { ...eth1, maxMtu: 4000 }];
  const steps = linkSteps(compiled("bond=bond0:eth0,eth1:mode=1:9000", nics).target);
  t.true(steps.includes("ip link add bond0 mtu 4000 up type bond mode active-backup miimon 100"), steps.join("\n"));
});

test("a primary that is not there is not asked for until it is", (t) => {
  const optionsWith = (nics: readonly NicFact[]): unknown =>
    compiled("bond=bond0:eth0,eth1:mode=1,primary=eth1", nics).target.find(
      (object) => object.kind === "link" && object.type === "bond",
    );
  t.like(optionsWith([eth0]), { options: { mode: "active-backup", miimon: 100 } });
  t.false(JSON.stringify(optionsWith([eth0])).includes("primary"));
  t.like(optionsWith([eth0, eth1]), { options: { primary: "eth1" } });
});

test("every way to watch a bond's ports is the one that was asked for", (t) => {
  const options = (text: string): unknown =>
    compiled(`bond=bond0:eth0:${text}`).target.find((object) => object.kind === "link" && object.type === "bond");
  t.like(options("mode=1,arp_interval=200,arp_ip_target=10.0.0.1;10.0.0.2"), {
    options: { mode: "active-backup", arpInterval: 200, arpIpTarget: "10.0.0.1,10.0.0.2" },
  });
  t.like(options("mode=802.3ad,miimon=50,lacp_rate=1,use_carrier=off,ad_actor_system=52:54:00:00:00:0a"), {
    options: { miimon: 50, lacpRate: "fast", useCarrier: false, adActorSystem: "52:54:00:00:00:0a" },
  });
});

test("a VLAN sits on its NIC, which is no candidate beside it unless it has an address of its own", (t) => {
  t.deepEqual(linkSteps(compiled("vlan=eth0.5:eth0").target), [
    "ip link set eth0 up",
    "ip link set eth1 up",
    "ip link add eth0.5 link eth0 up type vlan id 5",
    "ip -n probe-eth1 link add eth1 link eth1 (of the node) up type macvlan mode passthru",
  ]);
  const names = (cmdline: string): readonly string[] =>
    compiled(cmdline).decision.flatMap(({ nic: name, reasons }) => (reasons[0] === "has carrier" ? [name] : []));
  t.deepEqual(names("vlan=eth0.5:eth0"), ["eth1"]);
  t.deepEqual(names("vlan=eth0.5:eth0 ip=eth0:dhcp ip=eth0.5:dhcp"), ["eth0"]);
});

test("a VLAN on a NIC that is not there is awaited with it, one on a bond is made after the bond", (t) => {
  t.deepEqual(
    linkSteps(compiled("vlan=eth7.5:eth7").target).filter((line) => line.includes("eth7")),
    [],
  );
  const steps = linkSteps(compiled("vlan=bond0.5:bond0 bond=bond0:eth0,eth1").target);
  t.true(
    steps.indexOf("ip link add bond0.5 link bond0 up type vlan id 5") >
      steps.findIndex((line) => line.includes("add bond0 ")),
  );
});

test("what carries VLANs only takes no part in IPv6 itself: what routers advertise without a tag is another network's", (t) => {
  const silent = (cmdline: string, dev: string): boolean => {
    const steps = diff(kernel, compiled(cmdline).target).steps.map(explain);
    const off = steps.indexOf(`sysctl -w net.ipv6.conf.${dev}.disable_ipv6=1`);
    return off !== -1 && off < steps.findIndex((line) => line.startsWith(`ip link set ${dev} `));
  };
  t.true(silent("vlan=eth0.5:eth0 ip=eth0.5:dhcp", "eth0"));
  t.true(silent("vlan=eth0.5:eth0 ip=eth0:dhcp ip=eth0.5:dhcp", "eth0"), "a port of the uplink's bridge");
  t.true(
    diff(kernel, compiled("vlan=bond0.5:bond0 bond=bond0:eth0,eth1").target)
      .steps.map(explain)
      .includes("sysctl -w net.ipv6.conf.bond0.disable_ipv6=1"),
  );
});

test("a bridge of the command line is the uplink's own: nothing is put above it", (t) => {
  const { target, uplink } = compiled("bridge=br0:eth0,eth1", [eth0, eth1, answered("br0", "bridge")]);
  t.is(uplink?.link, "br0");
  t.deepEqual(linkSteps(target), [
    "ip link add br0 address 52:54:00:00:00:02 up type bridge mcast_snooping off",
    "ip link set eth0 master br0 up",
    "ip link set eth1 master br0 up",
  ]);
  t.deepEqual(
    target.flatMap((object) => (object.kind === "address" ? [[object.dev, object.address]] : [])),
    [["br0", "10.0.0.7/24"]],
  );
});

test("MTU and MAC of an `ip=` are those of its NIC and of what stands above it, and a router outside of the network is on the link", (t) => {
  const probe = { since: 0, gateway4: { name: "gateway", passed: true, detail: "answers" } };
  const { target } = compiled("ip=10.9.0.5::172.31.1.1:255.255.255.255::eth0:none:1400:52:54:00:aa:bb:cc", [
    { ...eth0, probe },
    eth1,
  ]);
  const steps = diff(kernel, target).steps.map(explain);
  t.deepEqual(
    steps.filter((line) => /^ip (?:link|addr|route)/u.test(line)),
    [
      "ip link add zos address 52:54:00:aa:bb:cc mtu 1400 up type bridge mcast_snooping off",
      "ip link set eth0 address 52:54:00:aa:bb:cc mtu 1400 master zos up",
      "ip addr add 10.9.0.5/32 dev zos",
      "ip route replace 172.31.1.1/32 dev zos",
      "ip route replace default via 172.31.1.1 dev zos metric 1024",
    ],
  );
});
