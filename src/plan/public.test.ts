import test from "ava";
import type { Actual } from "../model/actual.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { NodeDocument, PublicSide } from "../model/document.ts";
import type { Facts, NicFact, Uplink } from "../model/facts.ts";
import type { Target } from "../model/kernel.ts";
import type { NodeSettings } from "../model/settings.ts";
import { facts, keyFact, nic, node, resource } from "../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { secondNic, publicIssues } from "./public-checks.ts";
import { compilePublic, withPublicSide } from "./public.ts";
import { settings as settingsOf } from "./settings.ts";

const eth0 = nic("eth0", { mac: "52:54:00:00:00:02", permanentMac: "52:54:00:00:00:02" });
const eth1 = nic("eth1", { mac: "52:54:00:00:00:03" });
/** MAC of the public side of node1 in Zero-OS. */
const NODE1_PUBLIC = "ea:d6:f3:77:fa:40";

const side: PublicSide = { addresses: ["192.0.2.7/24"], gateways: ["192.0.2.1"] };

function uplinkOn(port: NicFact): Uplink {
  const nothing = { addresses: [], gateways: [], dns: [], search: [], ntp: [] };
  return { nic: port, link: "zos", complete: true, ...nothing };
}

interface Wish {
  readonly side?: PublicSide | undefined;
  readonly uplink?: NodeDocument["uplink"];
  readonly settings?: Partial<NodeSettings>;
  readonly nics?: readonly NicFact[];
  readonly chosen?: Uplink | null;
}

function compiled({
  side: wanted,
  uplink: policy,
  settings: more,
  nics = [eth0, eth1],
  chosen = uplinkOn(eth0),
}: Wish): {
  readonly target: Target;
  readonly state: ReturnType<typeof compilePublic>["state"] | null;
} {
  const document = node({ ...(wanted && { public: wanted }), ...(policy && { uplink: policy }) });
  const settings = { ...settingsOf(document, NO_FLAGS), ...more };
  const known: Pick<Facts, "nics" | "nodeId" | "uplink"> = { nics, nodeId: "node1", uplink: "eth0" };
  const { nic: second } = secondNic(document, known, new Map());
  const made =
    wanted === undefined ? null : compilePublic({ side: wanted, settings, facts: known, uplink: chosen, second });
  const own: Target = [
    {
      kind: "link",
      netns: "",
      name: "eth0",
      type: "physical",
      ...(policy?.vlan === undefined ? { master: "zos" } : {}),
    },
    { kind: "link", netns: "", name: "zos", type: "bridge", mac: eth0.mac },
  ];
  return {
    target: withPublicSide(own, { side: made, settings, facts: known, uplink: chosen }),
    state: made?.state ?? null,
  };
}

const before = { ...emptyKernel(), link: [physicalNic("eth0", 2), physicalNic("eth1", 3)] };
const running = applySteps(before, diff(before, compiled({}).target).steps);

function steps(wish: Wish, from: Actual = running): readonly string[] {
  return diff(from, compiled(wish).target)
    .steps.map(explain)
    .filter((line) => !line.includes("sysctl"))
    .map((line) => line.replaceAll(/address (?:[0-9a-f]{2}:){5}[0-9a-f]{2}/gu, "address MAC"));
}

const at = (wish: Wish): Actual => applySteps(running, diff(running, compiled(wish).target).steps);

test("with one NIC a pair leads from the uplink's bridge to the public one", (t) => {
  t.deepEqual(steps({ side }), [
    "ip link add br-pub address MAC up type bridge mcast_snooping off",
    "ip netns add public",
    "ip link add v3d2a88baae address MAC master br-pub up type veth peer name public address MAC netns public up",
    "ip link add tozos address MAC master zos up type veth peer name p-tozos address MAC up",
    "ip link set p-tozos master br-pub",
    "ip -n public addr add 192.0.2.7/24 dev public",
    "ip -n public route replace default via 192.0.2.1 dev public",
  ]);
  t.like(compiled({ side }).state, { mode: "single", nic: "eth0", port: "p-tozos", mac: NODE1_PUBLIC, waiting: null });
  t.deepEqual(steps({ side }, at({ side })), []);
});

test("nothing is left when it goes, and the uplink is not touched", (t) => {
  for (const one of [side, { ...side, vlan: 100 }, { ...side, nic: "eth1" }, { ...side, nic: "eth1", vlan: 7 }]) {
    const back = diff(at({ side: one }), compiled({}).target).steps;
    t.false(
      back.map(explain).some((line) => / (?:zos|eth0)(?: |$)/u.test(line)),
      back.map(explain).join("\n"),
    );
    const { sysctl: _left, ...rest } = applySteps(at({ side: one }), back);
    t.like(rest, { netns: [], address: [], route: [] });
    t.deepEqual(
      rest.link.map(({ name, master }) => `${name} ${master}`),
      ["eth0 zos", "eth1 null", "zos null"],
    );
  }
});

test("a NIC gets back what it had before it was the public side's", (t) => {
  const dual = at({ side: { ...side, nic: "eth1" } });
  const key = "net.ipv6.conf.eth1.disable_ipv6";
  t.like(
    dual.sysctl.find((one) => one.key === key),
    { value: "1", before: "0" },
  );
  const back = diff(dual, compiled({}).target).steps;
  t.true(back.map(explain).includes(`sysctl -w ${key}=0`));
  const freed = applySteps(dual, back);
  t.deepEqual(diff(freed, compiled({}).target).steps, []);
});

test("a VLAN of its own is a link on the uplink's NIC, whether document or flag says so, and stays when the uplink goes", (t) => {
  const link = "ip link add eth0.100 link eth0 master br-pub up type vlan id 100 protocol 802.1Q";
  const [byDocument, byFlag] = [
    { side: { ...side, vlan: 100 } },
    { side, settings: { publicVlan: { value: 100, source: "flag vlan:pub=100" } } },
  ];
  for (const wish of [byDocument, byFlag]) {
    t.true(steps(wish).includes(link), steps(wish).join("\n"));
    t.like(compiled(wish).state, { mode: "single", nic: "eth0", port: "eth0.100", vlan: 100, note: null });
    t.deepEqual(steps({ ...wish, chosen: null }, at(wish)), []);
  }
  t.like(compiled({ side, chosen: null }).state, { port: null, waiting: "no uplink is chosen yet" });
});

test("beside an uplink on a VLAN the untagged public side has the NIC itself, and one on the same VLAN shares its bridge", (t) => {
  const uplink = { vlan: 10 };
  t.true(steps({ side, uplink }).includes("ip link set eth0 master br-pub"));
  t.true(steps({ side: { ...side, vlan: 10 }, uplink }).includes("ip link set p-tozos master br-pub"));
});

test("a NIC of its own is the port, or a VLAN on it; the flag for a shared NIC does not hold, and that is said", (t) => {
  const dual = { ...side, nic: "eth1" };
  t.true(steps({ side: dual }).includes("ip link set eth1 master br-pub up"));
  t.like(compiled({ side: dual }).state, { mode: "dual", nic: "eth1", port: "eth1", vlan: null, note: null });
  t.true(
    steps({ side: { ...dual, vlan: 5 } }).includes(
      "ip link add eth1.5 link eth1 master br-pub up type vlan id 5 protocol 802.1Q",
    ),
  );
  t.like(compiled({ side: { ...dual, vlan: 5 } }).state, { mode: "dual", port: "eth1.5", vlan: 5 });
  t.like(compiled({ side: dual, nics: [eth0] }).state, { nic: null, port: null, waiting: "there is no NIC eth1" });
  const flagged = compiled({ side: dual, settings: { publicVlan: { value: 9, source: "flag vlan:pub=9" } } });
  t.like(flagged.state, { port: "eth1", vlan: null });
  t.regex(flagged.state?.note ?? "", /VLAN 9 \(flag vlan:pub=9\).*untagged/u);
});

test("a router outside of the given network is reached directly, and routers that advertise themselves have to stand back", (t) => {
  const wish = {
    side: { addresses: ["198.51.100.4/32", "2001:db8::4/64"], gateways: ["192.0.2.1", "2001:db8::1"] },
  };
  const routes = steps(wish).filter((line) => line.includes(" route "));
  t.deepEqual(routes, [
    "ip -n public route replace default via 192.0.2.1 dev public onlink",
    "ip -n public -6 route replace default via 2001:db8::1 dev public metric 512",
  ]);
  const all = new Set(diff(running, compiled(wish).target).steps.map(explain));
  for (const line of ["accept_ra=2", "accept_ra_defrtr=1", "autoconf=0", "ndisc_notify=1"])
    t.true(all.has(`ip netns exec public sysctl -w net.ipv6.conf.public.${line}`), line);
  // No port says anything of its own on the network.
  for (const dev of ["br-pub", "tozos", "p-tozos", "v3d2a88baae"])
    t.true(all.has(`sysctl -w net.ipv6.conf.${dev}.disable_ipv6=1`), dev);
});

test("swapped MACs: the uplink has the one that is made from the id, the public side that of the NIC, and both get theirs back", (t) => {
  const swap = { side: { ...side, mac: "swap" as const } };
  const swapped = at(swap);
  const macs = (state: Actual): Readonly<Record<string, string | null>> =>
    Object.fromEntries(state.link.map(({ name, mac }) => [name, mac]));
  t.like(macs(swapped), { eth0: NODE1_PUBLIC, zos: NODE1_PUBLIC, public: eth0.mac });
  const nics = [{ ...eth0, mac: NODE1_PUBLIC }, eth1];
  const chosen = uplinkOn({ ...eth0, mac: NODE1_PUBLIC });
  t.deepEqual(steps({ ...swap, nics, chosen }, swapped), []);
  const back = applySteps(swapped, diff(swapped, compiled({ nics, chosen }).target).steps);
  t.like(macs(back), { eth0: eth0.mac, zos: eth0.mac });
});

test("a NIC that does not know a MAC of its own keeps the one that it has, and that is said", (t) => {
  const { permanentMac: _unknown, ...nameless } = eth0;
  const wish = { side: { ...side, mac: "swap" as const }, nics: [nameless, eth1], chosen: uplinkOn(nameless) };
  t.like(compiled(wish).state, { mac: NODE1_PUBLIC });
  t.regex(compiled(wish).state?.note ?? "", /MACs are not exchanged.*eth0/u);
  t.false(
    steps(wish).some((line) => /set (?:eth0|zos) /u.test(line)),
    steps(wish).join("\n"),
  );
});

test("what a public side cannot be is refused by its key", (t) => {
  const refused = (wanted: Partial<PublicSide>, uplink?: NodeDocument["uplink"]): readonly string[] =>
    publicIssues(node({ public: { ...side, ...wanted }, ...(uplink && { uplink }) })).map(
      ({ key, message }) => `${key}: ${message}`,
    );
  t.deepEqual(refused({}), []);
  t.deepEqual(refused({ addresses: ["2001:db8::7/64"], gateways: [] }), [], "an IPv6 router may advertise itself");
  t.regex(refused({ addresses: [], gateways: [] }).join(), /^public\.addresses: .*no address/u);
  t.regex(refused({ gateways: [] }).join(), /^public\.gateways: .*no IPv4 gateway/u);
  t.regex(refused({ gateways: ["192.0.2.1", "192.0.2.2"] }).join(), /^public\.gateways: .*2 of IPv4/u);
  t.regex(refused({ gateways: ["192.0.2.1", "fe80::1"] }).join(), /^public\.gateways: .*no IPv6 address/u);
  t.regex(refused({}, { mode: "none" }).join(), /^public\.nic: .*name a NIC of its own/u);
  t.regex(refused({}, { bridge: "br-pub" }).join(), /^uplink\.bridge: .*name of the public side/u);
});

test("its NIC is one that nothing else uses", (t) => {
  const wish = (pattern: string): NodeDocument => node({ public: { ...side, nic: pattern } });
  const probe = { since: 3 };
  const known = { nics: [{ ...eth0, probe }, eth1], uplink: "eth0" };
  const why = (pattern: string, taken: ReadonlyMap<string, string> = new Map()): string =>
    secondNic(wish(pattern), known, taken)
      .issues.map(({ documents, message }) => `${documents.join(" + ")}: ${message}`)
      .join();
  t.is(secondNic(wish("eth1"), known, new Map()).nic, eth1);
  t.is(secondNic(wish(`mac:${eth1.mac}`), known, new Map()).nic, eth1);
  t.regex(why("eth*"), /^Node node: .*eth0 and eth1/u);
  t.regex(why("eth0"), /^Node node: .*by which the node is reached/u);
  t.regex(why("eth1", new Map([["eth1", "Lan lab"]])), /^Node node \+ Lan lab: .*a port of Lan lab/u);
  // An uplink of an earlier boot that nobody has asked yet is no uplink.
  t.is(secondNic(wish("eth0"), { nics: [eth0], uplink: "eth0" }, new Map()).nic, eth0);
});

test("WireGuard's sockets are in the public namespace while there is one", (t) => {
  const meshed = resource("demo", { wireguard: { listenPort: 51820, peers: [] } });
  const known = facts({ nics: [eth0, eth1], wireguardKeys: { demo: keyFact("node1") } });
  const [without, within] = [
    compile([meshed], known),
    compile([meshed, node({ public: { ...side, nic: "eth1" } })], known),
  ];
  const made = applySteps(before, diff(before, within.target).steps);
  t.is(made.link.find(({ name }) => name === "w-demo")?.bornIn, "public");
  const back = diff(made, without.target).steps.map(explain);
  const position = (line: string): number => back.indexOf(line);
  t.true(position("ip -n ndemo link add w-demo mtu 1420 up type wireguard") > position("ip -n ndemo link del w-demo"));
  t.true(position("ip netns del public") > position("ip -n ndemo link add w-demo mtu 1420 up type wireguard"));
});
