import test from "ava";
import type { NicFact, ProbeFact } from "../model/facts.ts";
import { facts, lan, lease, nic, node } from "../testing/builders.ts";
import { compile, type Compiled } from "./compile.ts";

const names = (nics: readonly NicFact[]): readonly string[] => nics.map(({ name }) => name);
const reasons = ({ decision }: Compiled): readonly (readonly string[])[] => decision.map((one) => one.reasons);
const answer = (passed: boolean): NonNullable<ProbeFact["gateway4"]> => ({
  name: "IPv4 gateway",
  passed,
  detail: `192.168.50.1 ${passed ? "answers" : "does not answer"}`,
});
const two = [nic("eth0", { carrier: false }), nic("eth1")];
const both = [nic("eth0"), nic("eth1")];

test("without a document every physical NIC with carrier is probed, and nobody else", (t) => {
  const nics = [
    ...two,
    nic("tap7", { physical: false }),
    nic("eth2", { foreign: "it has 10.0.0.5/24, which is not Netloom's" }),
  ];
  const compiled = compile([], facts({ nics }));
  t.is(compiled.uplink, null);
  t.deepEqual(names(compiled.choice.candidates), ["eth0", "eth1"]);
  t.deepEqual(names(compiled.choice.probed), ["eth1"]);
  t.deepEqual(reasons(compiled), [
    ["has no carrier", "not probed without carrier"],
    ["has carrier", "no DHCPv4 answer and no router advertisement with an address yet"],
    ["it is no physical NIC"],
    ["it has 10.0.0.5/24, which is not Netloom's"],
  ]);
});

test("the first with all that is asked for wins at once, and the others are no longer probed", (t) => {
  const compiled = compile([], facts({ nics: both, leases: [lease("eth1")], now: 6 }));
  t.like(compiled.uplink, { link: "zos", complete: true, addresses: ["192.168.50.17/24"], gateways: ["192.168.50.1"] });
  t.deepEqual(compiled.choice.probed, []);
  t.deepEqual(reasons(compiled), [
    ["has carrier", "no DHCPv4 answer and no router advertisement with an address yet", "eth1 had more"],
    [
      "has carrier",
      "DHCPv4 lease 192.168.50.17/24 from 192.168.50.1",
      "gateway 192.168.50.1 answers",
      "first NIC with all that is asked for",
    ],
  ]);
  t.like(compiled.decision[1]?.had, {
    carrier: "since 5.0 s",
    lease4: "192.168.50.17/24",
    gateway: "192.168.50.1 answers",
  });
});

test("a NIC with an address and no router that answers wins when the probe's time is over, and the others go on being asked", (t) => {
  const silent = [nic("eth0"), nic("eth1", { probe: { since: 5, gateway4: answer(false) } })];
  const at = (now: number): Compiled => compile([], facts({ nics: silent, leases: [lease("eth1")], now }));
  t.is(at(24.9).uplink, null);
  t.is(at(24.9).choice.deadline, 25);
  t.deepEqual(reasons(at(24.9))[1]?.slice(-1), ["gateway 192.168.50.1 does not answer"]);
  t.like(at(25), { uplink: { nic: { name: "eth1" }, complete: false } });
  t.deepEqual(names(at(25).choice.probed), ["eth0"]);
  t.regex(reasons(at(25))[1]?.join() ?? "", /does not answer,best of what there was within 20 s$/u);
});

test("the uplink before the last boot is waited for a moment, when it has carrier", (t) => {
  const known = { nics: both, leases: [lease("eth1")], lastUplink: "eth0" };
  t.like(compile([], facts({ ...known, now: 7.9 })), { uplink: null, choice: { deadline: 8 } });
  t.is(compile([], facts({ ...known, now: 8 })).uplink?.nic.name, "eth1");
  t.is(compile([], facts({ ...known, nics: two, now: 6 })).uplink?.nic.name, "eth1");
});

test("the uplink stays while it has all, whoever has more to offer", (t) => {
  const leases = [lease("eth0", { obtainedAt: 1 }), lease("eth1", { obtainedAt: 9 })];
  t.is(compile([], facts({ nics: both, leases, uplink: "eth1", now: 10 })).uplink?.nic.name, "eth1");
  t.is(compile([], facts({ nics: both, leases, now: 10 })).uplink?.nic.name, "eth0");
});

test("an ignored NIC and a LAN's port are no candidates, and the record says whose word that is", (t) => {
  const documents = [node({ uplink: { ignore: ["eth1*"] } }), lan("lab", { nics: ["eth0"] })];
  const compiled = compile(documents, facts({ nics: both, leases: [lease("eth1")] }));
  t.is(compiled.uplink, null);
  t.deepEqual(reasons(compiled), [["it is a port of Lan lab"], ["it is ignored by eth1* (Node node)"]]);
});

test("when the cable is moved to another NIC, that one is asked after a moment and takes over", (t) => {
  const leases = [lease("eth0", { obtainedAt: 1 })];
  const moved = (part: Parameters<typeof facts>[0]): Compiled =>
    compile([], facts({ nics: two, leases, uplink: "eth0", uplinkLost: 100, ...part }));
  t.like(moved({ now: 101.9 }), { uplink: { nic: { name: "eth0" } }, choice: { probed: [], deadline: 102 } });
  const asking = moved({ now: 102 });
  t.is(asking.uplink?.nic.name, "eth0");
  t.deepEqual(names(asking.choice.probed), ["eth1"]);

  const over = moved({ now: 104, leases: [...leases, lease("eth1", { obtainedAt: 103 })] });
  t.is(over.uplink?.nic.name, "eth1");
  t.deepEqual(
    over.decision.map((one) => one.reasons.join(", ")),
    [
      "has no carrier, eth1 had more",
      "has carrier, DHCPv4 lease 192.168.50.17/24 from 192.168.50.1, gateway 192.168.50.1 answers, has more than eth0, which was the uplink before",
    ],
  );
});

test("a router that is silent for less than a probe timeout changes nothing; after that the others are asked", (t) => {
  const silent = [nic("eth0", { probe: { since: 1, gateway4: answer(false) } }), nic("eth1")];
  const lost = (now: number): Compiled =>
    compile([], facts({ nics: silent, leases: [lease("eth0")], uplink: "eth0", uplinkLost: 100, now }));
  t.like(lost(119), { uplink: { nic: { name: "eth0" } }, choice: { probed: [], deadline: 120 } });
  t.deepEqual(names(lost(120).choice.probed), ["eth1"]);
});

test("static addresses count where their router answers, and without a router at once", (t) => {
  const uplink = { mode: "static", addresses: ["10.0.0.5/24"] } as const;
  const alone = compile([node({ uplink })], facts({ nics: [nic("eth0")], now: 1 }));
  t.like(alone.uplink, { nic: { name: "eth0" }, complete: false, addresses: ["10.0.0.5/24"], gateways: [] });

  const routed = node({ uplink: { ...uplink, gateways: ["192.168.50.1"] } });
  const asked = [
    nic("eth0", { probe: { since: 1, gateway4: answer(false) } }),
    nic("eth1", { probe: { since: 1, gateway4: answer(true) } }),
  ];
  t.like(compile([routed], facts({ nics: asked, now: 3 })).uplink, { nic: { name: "eth1" }, complete: true });
});

test("IPv6 alone is enough, and a configured check has to pass", (t) => {
  const ra = {
    managed: false,
    other: false,
    router: "fe80::1",
    addresses: ["2001:db8::17/64"],
    dns: ["2001:db8::53"],
    search: [],
  };
  const gateway6 = { name: "IPv6 gateway", passed: true, detail: "fe80::1 answers" };
  const target = "tcp://192.0.2.1:443";
  const heard = (checks: ProbeFact["checks"] = []): Compiled =>
    compile(
      [node({ uplink: { checks: [target] } })],
      facts({ nics: [nic("eth0", { probe: { since: 1, ra, gateway6, checks } })], now: 3 }),
    );
  t.is(heard().uplink, null);
  t.regex(reasons(heard())[0]?.join() ?? "", /tcp:\/\/192\.0\.2\.1:443 not asked yet$/u);
  const passed = heard([{ name: target, passed: true, detail: "answers" }]);
  t.like(passed.uplink, {
    complete: true,
    addresses: ["2001:db8::17/64"],
    gateways: ["fe80::1"],
    dns: ["2001:db8::53"],
  });
});

test("an address that somebody adds to the uplink's NIC later does not take it from us", (t) => {
  const nics = [nic("eth0", { foreign: "it has 10.9.9.9/24, which is not Netloom's" })];
  const known = { nics, leases: [lease("eth0")], now: 10 };
  t.is(compile([], facts(known)).uplink, null);
  t.is(compile([], facts({ ...known, uplink: "eth0" })).uplink?.nic.name, "eth0");
});

test("a lease that comes after the probe timeout is not taken before its router was asked", (t) => {
  const nics = [nic("eth0", { probe: { since: 0, lease4: lease("eth0", { obtainedAt: 100 }) } })];
  const at = (now: number): Compiled => compile([], facts({ nics, now }));
  t.like(at(100.1), { uplink: null, choice: { deadline: 112 } });
  t.is(at(112).uplink?.nic.name, "eth0");
  const asked = nics.map((one) => ({ ...one, probe: { since: 0, ...one.probe, gateway4: answer(false) } }));
  t.is(compile([], facts({ nics: asked, now: 101 })).uplink?.nic.name, "eth0");
});
