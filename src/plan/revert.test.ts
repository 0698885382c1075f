import test from "ava";
import fc from "fast-check";
import type { Actual } from "../model/actual.ts";
import { HOST, type KernelObject } from "../model/kernel.ts";
import type { Step } from "../model/step.ts";
import { facts, lan, lease, nic } from "../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic, seenRoute } from "../testing/memory-kernel.ts";
import { targets } from "../testing/targets.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { revert, touchesUplink, uplinkTarget } from "./revert.ts";

const known = facts({ nics: [nic("up0"), nic("eth1")], leases: [lease("up0")] });
const start: Actual = { ...emptyKernel(), link: [physicalNic("up0", 2), physicalNic("eth1", 3)] };
const online = compile([], known).target;
const before = applySteps(start, diff(start, online).steps);
const swallowed = compile([lan("lab", { nics: ["up0"] })], known).target;

const UPLINKS = ["zos", "up0"];
const uplinkOf = (state: Actual): unknown => ({
  // A bridge that was made anew has another number; its options are the documents' affair.
  link: state.link
    .filter(({ name }) => UPLINKS.includes(name))
    .map(({ index: _index, options: _options, ...link }) => link),
  address: state.address.filter(({ dev }) => UPLINKS.includes(dev)),
  route: state.route.filter(({ dev }) => dev !== null && UPLINKS.includes(dev)),
});

test("a LAN that swallows the uplink touches it, and the way back gives NIC, address and default route back", (t) => {
  const checkpoint = uplinkTarget(before, UPLINKS);
  const { steps } = diff(before, swallowed);
  t.true(touchesUplink(steps, "up0"));
  const cut = applySteps(before, steps);
  t.like(
    cut.link.find(({ name }) => name === "up0"),
    { master: "l-lab" },
  );
  const back = revert(cut, checkpoint);
  t.deepEqual(back.foreign, []);
  const mended = applySteps(cut, back.steps);
  t.deepEqual(uplinkOf(mended), uplinkOf(before));
  t.deepEqual(revert(mended, checkpoint).steps, []);
  // Nothing else is undone: the LAN's bridge is the documents' affair.
  t.notRegex(back.steps.map(explain).join("\n"), /l-lab/u);
});

test("without a change there is nothing to go back to", (t) => {
  t.deepEqual(revert(before, uplinkTarget(before, UPLINKS)), { steps: [], foreign: [] });
  t.deepEqual(revert(before, []), { steps: [], foreign: [] });
});

test("the way back does not take somebody's route or address away", (t) => {
  const theirs: Actual = {
    ...before,
    address: [
      ...before.address,
      { netns: HOST, dev: "up0", address: "10.8.0.1/24", validUntil: null, preferredUntil: null, owned: false },
    ],
    route: [...before.route, seenRoute({ to: "10.8.8.0/24", dev: "up0" })],
  };
  t.deepEqual(revert(theirs, uplinkTarget(before, UPLINKS)).steps, []);
});

test("a default route by another link, added meanwhile, goes; a lost one comes back", (t) => {
  const checkpoint = uplinkTarget(before, UPLINKS);
  const step: Step = {
    op: "route.add",
    args: { kind: "route", netns: HOST, to: "0.0.0.0/0", dev: "eth1", via: "10.0.0.9", metric: 5 },
  };
  t.true(touchesUplink([step], "up0"));
  t.deepEqual(revert(applySteps(before, [step]), checkpoint).steps.map(explain), [
    "ip route del default via 10.0.0.9 dev eth1 metric 5",
  ]);
  t.regex(
    revert({ ...before, route: [] }, checkpoint)
      .steps.map(explain)
      .join("\n"),
    /^ip route replace default via 192\.168\.50\.1 dev zos/u,
  );
});

const uplinkObject: KernelObject = { kind: "link", netns: HOST, name: "up0", type: "physical", mtu: 1500 };

test("from whatever became of the rest, the way back ends at the checkpoint in one round", (t) => {
  const checkpoint: readonly KernelObject[] = [
    uplinkObject,
    { kind: "address", netns: HOST, dev: "up0", address: "192.168.50.17/24" },
    { kind: "route", netns: HOST, to: "0.0.0.0/0", dev: "up0", via: "192.168.50.1", metric: 1024 },
  ];
  const base = applySteps(start, diff(start, checkpoint).steps);
  const saved = uplinkTarget(base, ["up0"]);
  fc.assert(
    fc.property(targets(), (other) => {
      const gone = applySteps(base, diff(base, other).steps);
      const mended = applySteps(gone, revert(gone, saved).steps);
      t.deepEqual(revert(mended, saved).steps.map(explain), []);
      t.deepEqual(uplinkOf(mended), uplinkOf(base));
    }),
    { numRuns: 200 },
  );
});

test("what happens elsewhere does not touch the uplink", (t) => {
  const elsewhere: readonly Step[] = [
    { op: "link.del", args: { netns: "ndemo", name: "up0" } },
    { op: "link.set", args: { netns: HOST, name: "eth1", up: true } },
    { op: "address.add", args: { kind: "address", netns: HOST, dev: "eth1", address: "10.0.0.1/24" } },
    { op: "route.add", args: { kind: "route", netns: HOST, to: "10.9.0.0/16", dev: "eth1" } },
    { op: "rule.add", args: { kind: "rule", netns: "ndemo", family: 4, priority: 5 } },
    { op: "netns.del", args: { name: "ndemo" } },
  ];
  t.false(touchesUplink(elsewhere, "up0"));
});

const TOUCHING: readonly Step[] = [
  { op: "link.set", args: { netns: HOST, name: "up0", mtu: 1400 } },
  { op: "address.del", args: { kind: "address", netns: HOST, dev: "up0", address: "10.0.0.1/24" } },
  {
    op: "sysctl.set",
    args: { kind: "sysctl", netns: HOST, dev: "up0", key: "net.ipv6.conf.up0.accept_ra", value: "0" },
  },
  { op: "route.del", args: { kind: "route", netns: HOST, to: "::/0", dev: "eth1" } },
  { op: "route.add", args: { kind: "route", netns: HOST, to: "10.9.0.0/16", hops: [{ dev: "eth1" }, { dev: "up0" }] } },
  { op: "rule.add", args: { kind: "rule", netns: HOST, family: 4, priority: 5, action: "blackhole" } },
];

for (const step of TOUCHING) {
  test(`touches the uplink: ${explain(step)}`, (t) => {
    t.true(touchesUplink([step], "up0"));
  });
}
