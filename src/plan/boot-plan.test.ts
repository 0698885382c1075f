import test from "ava";
import { parseFactsFile, type FactsFile } from "../model/facts-file.ts";
import { bootPlan } from "./boot-plan.ts";

const NICS = {
  nics: [
    { name: "eth0", mac: "52:54:00:00:00:01", driver: "virtio_net", pci: "0000:00:03.0", carrier: false },
    { name: "eth1", mac: "52:54:00:00:00:02", driver: "e1000", pci: "0000:00:04.0", carrier: true, speed: 1000 },
    { name: "eth2", mac: "52:54:00:00:00:03", driver: "virtio_net", pci: null, carrier: true },
  ],
};

function factsOf(value: unknown): FactsFile {
  const facts = parseFactsFile(JSON.stringify(value));
  if ("issues" in facts) throw new Error(facts.issues.join("; "));
  return facts;
}

const plan = (cmdline: string, value: unknown = NICS): ReturnType<typeof bootPlan> => bootPlan(cmdline, factsOf(value));
const chosen = (cmdline: string, value?: unknown): string | undefined =>
  plan(cmdline, value).decision.find((entry) => entry.chosen)?.nic;

test("the parsed command line has the shape that scripts rely on, and only what was said", (t) => {
  const line =
    "quiet ip=192.168.1.5::192.168.1.1:255.255.255.0:n1:eth1:none:8.8.8.8 ip=[2001:db8::5]::[2001:db8::1]:64::eth1:off:1400 vlan=eth1.5:eth1 bond=bond0:eth0,eth2:mode=802.3ad,miimon=50 bridge=br0:eth3 ifname=lan0:52:54:00:00:00:09 rd.route=10.0.0.0/8:192.168.1.9:eth1 netloom.ignore=eth7 vlan:priv=none vlan:pub=20 pub:mac=swap netloom.config=inline:c2VjcmV0";
  const { parsed, rejected } = plan(line);
  t.deepEqual(rejected, []);
  t.deepEqual(parsed, {
    auto: false,
    interfaces: {
      eth1: {
        dhcp4: false,
        dhcp6: false,
        auto6: false,
        addresses: ["192.168.1.5/24", "2001:db8::5/64"],
        gateway: "192.168.1.1",
        gateway6: "2001:db8::1",
        mtu: 1400,
      },
    },
    vlans: [{ name: "eth1.5", parent: "eth1", id: 5 }],
    bonds: [{ name: "bond0", mode: "802.3ad", members: ["eth0", "eth2"], options: { miimon: "50" } }],
    bridges: [{ name: "br0", members: ["eth3"] }],
    renames: [{ name: "lan0", mac: "52:54:00:00:00:09" }],
    routes: [{ to: "10.0.0.0/8", via: "192.168.1.9", dev: "eth1" }],
    nameservers: ["8.8.8.8"],
    ntp: [],
    nics: [],
    ignored: ["eth7"],
    hostname: "n1",
    zos: { vlanPriv: null, vlanPub: 20, pubMac: "swap" },
    configs: ["netloom.config=inline:c2VjcmV0"],
  });
});

test("zero configuration: the first NIC with carrier, and why no other one", (t) => {
  const { parsed, decision } = plan("quiet ro");
  t.true(parsed.auto);
  t.deepEqual(
    decision.map((entry) => [entry.nic, entry.chosen, entry.reasons]),
    [
      ["eth0", false, ["has no carrier", "eth1 had more"]],
      ["eth1", true, ["has carrier", "its network was not probed", "first NIC with all that is asked for"]],
      ["eth2", false, ["has carrier", "its network was not probed", "eth1 was first"]],
    ],
  );
});

test("NICs are chosen and excluded by name, MAC, driver, PCI address and speed; excludes win", (t) => {
  t.is(chosen("netloom.ignore=eth1"), "eth2");
  t.is(chosen("netloom.nic=52:54:00:00:00:03"), "eth2");
  t.is(chosen("netloom.nic=driver:virtio*"), "eth2");
  t.is(chosen("netloom.ignore=pci:0000:00:04.0"), "eth2");
  t.is(chosen("netloom.nic=speed:>=1000"), "eth1");
  t.is(chosen("netloom.nic=eth* netloom.ignore=driver:e1000"), "eth2");
  t.is(chosen("netloom.nic=eth1 netloom.ignore=eth1"), undefined);
  t.is(chosen("bootdev=eth2"), "eth2");
  t.is(chosen("BOOTIF=01-52-54-00-00-00-03"), "eth2");
  t.is(chosen("BOOTIF=01-52-54-00-00-00-03 rd.bootif=0"), "eth1");
  t.is(chosen("noautonic=eth1"), "eth2");
  t.is(chosen("ip=off"), undefined);
  t.is(chosen("ip=eth2:dhcp"), "eth2");
  t.is(chosen("ip=eth1:off"), "eth2");
});

test("a static address is on the uplink's bridge, and its router is the default", (t) => {
  const { steps } = plan("ip=192.168.1.5::192.168.1.1:24::eth2:none:1400 netloom.hostname=n1");
  t.deepEqual(
    steps.filter((line) => /^(?:ip|sysctl -w kernel)/u.test(line)),
    [
      "ip link add zos address 52:54:00:00:00:03 mtu 1400 up type bridge mcast_snooping off",
      "sysctl -w kernel.hostname=n1",
      "ip link set eth2 mtu 1400 master zos up",
      "ip addr add 192.168.1.5/24 dev zos",
      "ip route replace default via 192.168.1.1 dev zos metric 1024",
    ],
  );
});

test("links of the command line are made, and may be the uplink; a new name comes before all else", (t) => {
  const line =
    "bond=bond0:eth0,eth1:mode=active-backup vlan=bond0.7:bond0 ip=bond0.7:dhcp ifname=lan0:52:54:00:00:00:03";
  t.is(chosen(line), "bond0.7");
  const { steps, decision } = plan(line);
  t.is(steps[0], "ip link set eth2 name lan0");
  t.true(steps.includes("ip link add bond0.7 link bond0 master zos up type vlan id 7"));
  t.true(decision.some(({ nic }) => nic === "lan0"));
});

test("who lost to a NIC that is preferred hears whose word that is", (t) => {
  const reason = (line: string, more: object = {}): string | undefined =>
    plan(line, { ...NICS, ...more })
      .decision.find(({ nic }) => nic === "eth1")
      ?.reasons.at(-1);
  t.is(reason("bootdev=eth2"), "eth2 is preferred (flag bootdev=eth2)");
  t.is(reason("BOOTIF=01-52-54-00-00-00-03"), "eth2 is preferred (flag BOOTIF=01-52-54-00-00-00-03)");
  t.is(reason("", { lastUplink: "eth2" }), "eth2 was the uplink before the last boot");
});

test("an MTU that a driver does not take is as much of it as there is, and that is said: the NIC shall come up", (t) => {
  const nics = NICS.nics.map((one) => ({ ...one, ...(one.name === "eth1" ? { maxMtu: 1500 } : {}) }));
  const { steps, decision } = plan("netloom.mtu=9000 vlan:priv=7 netloom.nic=eth1,eth2 bootdev=eth1", { nics });
  t.deepEqual(
    steps.filter((step) => step.includes("mtu") && step.startsWith("ip link")),
    [
      "ip link add zos address 52:54:00:00:00:02 mtu 1500 up type bridge mcast_snooping off",
      "ip link set eth2 mtu 9000 up",
      "ip link add eth1.7 link eth1 mtu 1500 master zos up type vlan id 7 protocol 802.1Q",
    ],
  );
  t.is(
    decision.find(({ nic }) => nic === "eth1")?.reasons.at(-1),
    "its MTU is 1500 and not 9000: its driver takes no more",
  );
});

test("a NIC that carries a VLAN of the command line is below it, and a member of a bond is its port", (t) => {
  const why = (line: string): string | undefined => plan(line).decision[0]?.reasons[0];
  t.is(why("vlan=vlan5:eth0 ip=vlan5:dhcp"), "it is below vlan5 (vlan=vlan5:eth0)");
  t.is(why("bond=bond0:eth0 ip=bond0:dhcp"), "it is a port of bond0 (bond=bond0:eth0)");
});

test("what cannot be honoured is named, and the rest of the line holds", (t) => {
  const { rejected, decision } = plan("netlom.ignore=eth2 vlan:priv=4095 ip=dhcp netloom.ignore=eth1");
  t.deepEqual(rejected, [
    { word: "netlom.ignore=eth2", reason: "is no word of Netloom", hint: "netloom.ignore=eth2" },
    { word: "vlan:priv=4095", reason: "VLAN 4095 is not from 1 to 4094", hint: "vlan:priv=4094" },
  ]);
  t.is(decision.find((entry) => entry.chosen)?.nic, "eth2");
});

test("a mistake in a mistake: what is named as nearest holds, or it is said what else is wrong", (t) => {
  const said = (line: string): readonly unknown[] => plan(line).rejected.map(({ reason, hint }) => hint ?? reason);
  t.deepEqual(said("netlom.mtu=70000 netloom_mtu=1400 netlom.shell bond=bond0:eth0,eth0 rd.route=default:10.0.0.1"), [
    "netloom.mtu=65535",
    "netloom.mtu=1400",
    "netloom.shell",
    "bond=bond0:eth0",
    "rd.route=0.0.0.0/0:10.0.0.1",
  ]);
  t.deepEqual(said("team=team0:eth0,eth1"), ["bond=team0:eth0,eth1:mode=active-backup"]);
  t.deepEqual(said("netloom.hostname=my_node"), [
    "'my_node' is not a host name: letters, digits and '-', in parts with dots between, 64 characters at most",
  ]);
  t.deepEqual(said("namserver=eth0 ip=10.0.0.5::10.0.0.5:24::eth0:none"), [
    "is no word of Netloom, and nameserver= would not do: 'eth0' is not an IP address",
    "10.0.0.5 is the address itself, and no other machine",
  ]);
});

test("a NIC whose new name is another one's keeps its own, and says why", (t) => {
  const { decision } = plan("ifname=eth1:52:54:00:00:00:01 ip=eth1:dhcp");
  t.deepEqual(
    decision.map(({ nic, mac }) => [nic, mac]),
    NICS.nics.map(({ name, mac }) => [name, mac]),
  );
  t.is(decision[0]?.reasons.at(-1), "it is not called eth1 (ifname=eth1:52:54:00:00:00:01): 52:54:00:00:00:02 is");
});

test("with probes it is decided by what they found", (t) => {
  const lease4 = { address: "10.0.0.7/24", router: "10.0.0.1" };
  const [eth0, eth1, eth2] = NICS.nics;
  const answers = { name: "gateway", passed: true };
  const nics = [
    { ...eth0, carrier: true, probe: { lease4: { address: "10.9.0.7/24" } } },
    { ...eth1, probe: {} },
    { ...eth2, probe: { lease4, gateway4: answers } },
  ];
  t.is(chosen("", { nics }), "eth2");
  const { steps } = plan("", { nics });
  t.true(steps.includes("ip addr add 10.0.0.7/24 dev zos"));
  t.false(
    steps.some((line) => line.includes("probe-")),
    "the probes are over",
  );
  const unanswered = [...nics.slice(0, 2), { ...eth2, probe: { lease4, gateway4: { ...answers, passed: false } } }];
  t.is(
    chosen("", { nics: unanswered }),
    "eth2",
    "an address with a router is more than an address, when the time is over",
  );
  t.is(chosen("", { nics: unanswered, now: 5 }), undefined, "and before, nothing is chosen");
  t.is(chosen("", { nics: unanswered, now: 5, uplink: "eth0", uplinkLost: 1 }), "eth0");
});

test("a Node document wins over the flags, field by field", (t) => {
  const node = { apiVersion: "netloom/v1", kind: "Node", name: "n1", uplink: { nics: ["eth1"] } };
  const { decision, steps } = plan("netloom.nic=eth2 netloom.hostname=by-flag", { ...NICS, node });
  t.is(decision.find((entry) => entry.chosen)?.nic, "eth1");
  t.true(steps.includes("sysctl -w kernel.hostname=by-flag"));
  const untagged = { ...node, uplink: { vlan: "none" } };
  for (const [document, vlan] of [
    [node, true],
    [untagged, false],
  ] as const)
    t.is(
      plan("vlan:priv=7", { ...NICS, node: document }).steps.some((step) => step.includes("type vlan id 7")),
      vlan,
    );
});

test("facts that are not what they should be are refused with all their places", (t) => {
  const issues = (value: unknown): readonly string[] => {
    const facts = parseFactsFile(typeof value === "string" ? value : JSON.stringify(value));
    return "issues" in facts ? facts.issues : [];
  };
  t.regex(issues("{")[0] ?? "", /^is no JSON: /u);
  t.deepEqual(issues({}), ["nics is missing"]);
  t.deepEqual(issues({ nics: [{ name: "eth0", mac: "x", carier: true }] }), [
    "nics.0.mac is not a MAC address",
    "nics.0.carrier is missing",
    "nics.0.carier is not a known key, did you mean carrier?",
  ]);
  t.deepEqual(issues({ nics: [NICS.nics[0], NICS.nics[0]] }), ["nics has two that are called eth0"]);
});
