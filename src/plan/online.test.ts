import test from "ava";
import { HOST } from "../model/kernel.ts";
import type { Step } from "../model/step.ts";
import { facts, lease, nic, node } from "../testing/builders.ts";
import { emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { isOnline, missing, onlineChecks } from "./online.ts";

const known = { nics: [nic("eth0")], leases: [lease("eth0")], now: 6 };
const good = compile([], facts({ ...known, uplink: "eth0" }));

test("an address and a default route make a node online, and each is shown with what it rests on", (t) => {
  const checks = onlineChecks(good, []);
  t.deepEqual(checks, {
    address: { ok: true, why: "192.168.50.17/24 on zos" },
    route: { ok: true, why: "via 192.168.50.1 on zos" },
    check: null,
  });
  t.true(isOnline(good, checks));
  t.is(missing(checks), "nothing is missing");
});

test("a step for the uplink that is still open holds up its part, one for something else does not", (t) => {
  const open = (step: Step): ReturnType<typeof onlineChecks> => onlineChecks(good, [step]);
  const address = open({
    op: "address.add",
    args: { kind: "address", netns: HOST, dev: "zos", address: "192.168.50.17/24" },
  });
  t.like(address, { address: { ok: false }, route: { ok: false } });
  t.is(missing(address), "this cannot be done: ip addr add 192.168.50.17/24 dev zos");
  const route = open({
    op: "route.add",
    args: { kind: "route", netns: HOST, to: "0.0.0.0/0", dev: "zos", via: "192.168.50.1", metric: 1024 },
  });
  t.like(route, { address: { ok: true }, route: { ok: false } });
  for (const place of [
    { netns: HOST, dev: "l-lab" },
    { netns: "ndemo", dev: "zos" },
  ])
    t.true(
      isOnline(good, open({ op: "address.add", args: { kind: "address", ...place, address: "10.5.0.1/24" } })),
      JSON.stringify(place),
    );
});

test("a node is online by the address and the router that it has, whatever else a server or a flag asks for in vain", (t) => {
  const two = compile(
    [node({ uplink: { mode: "dhcp4", addresses: ["10.9.0.5/24"] } })],
    facts({ ...known, uplink: "eth0" }),
  );
  const all: readonly Step[] = ["192.168.50.17/24", "10.9.0.5/24"].map((address) => ({
    op: "address.add",
    args: { kind: "address", netns: HOST, dev: "zos", address },
  }));
  const route: Step = {
    op: "route.add",
    args: { kind: "route", netns: HOST, to: "10.0.0.0/8", dev: "zos", via: "192.168.50.17", metric: 1024 },
  };
  const one = onlineChecks(two, [...all.slice(1), route]);
  t.true(isOnline(two, one), missing(one));
  t.is(one.address.why, "192.168.50.17/24 on zos");
  t.like(onlineChecks(two, all), { address: { ok: false }, route: { ok: false } });
});

test("a default route of a flag is one, also where nobody names another", (t) => {
  const { flags } = parseCommandLine("ip=192.168.50.9:::24::eth0:none rd.route=0.0.0.0/0:192.168.50.1");
  const compiled = compile([], facts({ nics: [nic("eth0")], flags, now: 6, uplink: "eth0" }));
  t.deepEqual(compiled.uplink?.gateways, ["192.168.50.1"]);
  t.true(isOnline(compiled, onlineChecks(compiled, [])));
  const defaults = diff({ ...emptyKernel(), link: [physicalNic("eth0", 2)] }, compiled.target)
    .steps.map(explain)
    .filter((step) => step.includes("route"));
  t.deepEqual(defaults, ["ip route replace default via 192.168.50.1 dev zos metric 1024"]);
});

test("without a router a node has an address and is not online, without carrier neither", (t) => {
  const { router: _gone, ...lone } = lease("eth0");
  const alone = onlineChecks(compile([], facts({ ...known, leases: [lone], uplink: "eth0" })), []);
  t.like(alone, { address: { ok: true }, route: { ok: false, why: "eth0 has not got a default route yet" } });
  const pulled = compile([], facts({ ...known, nics: [nic("eth0", { carrier: false })], uplink: "eth0" }));
  t.like(onlineChecks(pulled, []), { address: { ok: true }, route: { ok: false, why: "eth0 has no carrier" } });
});

test("before a NIC is chosen nothing is there; a node that is to have no uplink is online", (t) => {
  const none = compile([], facts({ nics: [nic("eth0")] }));
  t.like(onlineChecks(none, []), { address: { ok: false }, route: { ok: false }, check: null });
  const alone = compile([node({ uplink: { mode: "none" } })], facts(known));
  t.true(isOnline(alone, onlineChecks(alone, [])));
});

test("a configured check has to pass, and says which did not", (t) => {
  const [one, two] = ["icmp://192.0.2.1", "tcp://192.0.2.1:443"];
  const passed = { name: one, passed: true, detail: "answers" };
  const compiled = (second: boolean | undefined): ReturnType<typeof compile> => {
    const probe = {
      since: 1,
      gateway4: { name: "IPv4 gateway", passed: true, detail: "192.168.50.1 answers" },
      checks: [
        passed,
        ...(second === undefined
          ? []
          : [{ name: two, passed: second, detail: second ? "answers" : "does not answer: Connection refused" }]),
      ],
    };
    return compile(
      [node({ uplink: { checks: [one, two] } })],
      facts({ ...known, nics: [nic("eth0", { probe })], uplink: "eth0" }),
    );
  };
  t.deepEqual(onlineChecks(compiled(undefined), []).check, { ok: false, why: `${two} is not asked yet` });
  const refused = compiled(false);
  t.deepEqual(onlineChecks(refused, []).check, { ok: false, why: `${two} does not answer: Connection refused` });
  t.false(isOnline(refused, onlineChecks(refused, [])));
  t.true(isOnline(compiled(true), onlineChecks(compiled(true), [])));
});

test("what a probe's link made of router advertisements is not yet on the bridge above the NIC", (t) => {
  const ra = { managed: false, other: false, router: "fe80::1", addresses: ["2001:db8::5/64"], dns: [], search: [] };
  const gateway6 = { name: "IPv6 gateway", passed: true, detail: "fe80::1 answers" };
  const nics = [nic("eth0", { probe: { since: 1, ra, gateway6 } })];
  const chosen = compile([], facts({ nics, now: 6 }));
  t.is(chosen.uplink?.complete, true);
  t.like(onlineChecks(chosen, []), { address: { ok: false }, route: { ok: false } });
  const above = compile([], facts({ nics, now: 7, uplink: "eth0" }));
  t.deepEqual(onlineChecks(above, []).address, { ok: true, why: "2001:db8::5/64 on zos" });
});
