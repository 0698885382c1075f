import test from "ava";
import type { LeaseFact, NicFact } from "../model/facts.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import { HOST } from "../model/kernel.ts";
import { facts, nic } from "../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { compile, type Compiled } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { settings } from "./settings.ts";
import { askedFrom, rememberChoice } from "./uplink.ts";

const kernel = { ...emptyKernel(), link: [physicalNic("eth0", 2), physicalNic("eth1", 3)] };
const lease = (name: string, part: Partial<LeaseFact>): LeaseFact => ({
  nic: name,
  address: "10.0.0.7/24",
  dns: [],
  ntp: [],
  obtainedAt: 1,
  expiresAt: 9999,
  ...part,
});
const gateway4 = { name: "gateway", passed: true, detail: "answers" };
const eth0: NicFact = nic("eth0", { probe: { since: 0, lease4: lease("eth0", { router: "10.0.0.1" }), gateway4 } });

function compiled(cmdline: string, eth1: NicFact = nic("eth1"), uplink: NicFact = eth0): Compiled {
  return compile([], facts({ nics: [uplink, eth1], flags: parseCommandLine(cmdline).flags }));
}

const addressing = ({ target }: Compiled): readonly string[] =>
  diff(kernel, target)
    .steps.map(explain)
    .filter((line) => /^ip (?:addr|route)|service dhcp/u.test(line))
    .map((line) => line.replace(/ run .*/u, ""));

test("a NIC with a static address of its own has it beside the uplink, with its routes and without a default one", (t) => {
  const line = "ip=eth0:dhcp ip=10.9.0.5::10.9.0.1:24::eth1:none rd.route=10.8.0.0/16:10.9.0.1:eth1";
  const both = compiled(line);
  t.is(both.uplink?.nic.name, "eth0");
  t.deepEqual(addressing(both), [
    "ip addr add 10.9.0.5/24 dev eth1",
    "ip addr add 10.0.0.7/24 dev zos valid-until 9999",
    "ip route replace 10.8.0.0/16 via 10.9.0.1 dev eth1",
    "ip route replace default via 10.0.0.1 dev zos metric 1024",
    "service dhcp-zos",
  ]);
  const { steps } = diff(applySteps(kernel, diff(kernel, both.target).steps), both.target);
  t.deepEqual(steps, [], "and nothing is left to do");
});

test("one with DHCP asks beside the uplink, and its lease is remembered as that of a NIC that is asked", (t) => {
  const { choice, target } = compiled("ip=eth0:dhcp ip=eth1:dhcp");
  const known = facts({ nics: [eth0, nic("eth1")], now: 5 });
  const memory = rememberChoice(choice, known, {
    uplink: "eth0",
    uplinkLost: null,
    over: {},
    placed: {},
    beside: [],
    since: { eth0: 0 },
  });
  t.is(memory.since["eth1"], 5);
  // What routers tell it is heard where its addresses are.
  const from = ["eth0", "eth1", "eth2"].map((name) => askedFrom(settings(null, NO_FLAGS), nic(name), memory));
  t.deepEqual(from, [
    { netns: HOST, dev: "zos" },
    { netns: HOST, dev: "eth1" },
    { netns: "probe-eth2", dev: "eth2" },
  ]);
  t.true(target.some((object) => object.kind === "process" && object.name === "dhcp-eth1"));
  const leased = nic("eth1", {
    probe: { since: 5, lease4: lease("eth1", { address: "10.9.0.7/24", router: "10.9.0.1" }) },
  });
  const lines = addressing(compiled("ip=eth0:dhcp ip=eth1:dhcp", leased));
  t.true(lines.some((line) => line.startsWith("ip addr add 10.9.0.7/24 dev eth1")));
  t.false(
    lines.some((line) => line.includes("10.9.0.1")),
    "its router is not the default",
  );
});

test("before the choice nothing is beside it, and a NIC without an `ip=` of its own never is", (t) => {
  t.deepEqual(compiled("ip=eth0:dhcp ip=eth1:dhcp", nic("eth1"), nic("eth0")).choice.beside, []);
  t.deepEqual(compiled("").choice.beside, []);
  t.deepEqual(compiled("netloom.nic=eth*").choice.beside, []);
});
