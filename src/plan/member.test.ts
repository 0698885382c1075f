import test from "ava";
import type { Actual } from "../model/actual.ts";
import { HOST, type Target, OWNER } from "../model/kernel.ts";
import { memberId, type Member } from "../model/member.ts";
import { facts, lan } from "../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { diffUnits, indexActual } from "./diff/units.ts";
import { explain } from "./explain.ts";
import { compileMember } from "./member.ts";

const lab = lan("lab");
const c1: Member = {
  lan: "lab",
  name: "c1",
  netns: "cni-1",
  nic: "eth0",
  hostName: "v0123456789",
  mac: "02:aa:bb:cc:dd:01",
  addresses: ["192.168.50.7/24"],
  routes: [{ to: "0.0.0.0/0", via: "192.168.50.1" }],
};

const { target, units } = compile([lab, lan("two", { cidr: "10.5.0.0/24" })], facts());
const container: Actual = { ...emptyKernel(), netns: [{ name: "cni-1", owned: false }] };
const node = applySteps(container, diff(container, target).steps);
const wish = compileMember(lab, c1);
const lines = (state: Actual, before: Target, after: Target): readonly string[] =>
  diffUnits(indexActual(state), before, after).steps.map(explain);

test("units are the target by document", (t) => {
  t.deepEqual([...units.keys()].slice(1), ["Lan lab", "Lan two"]);
  t.deepEqual([...units.values()].flat(), target);
  t.is(memberId(c1), "Member lab/c1");
});

test("a member joins by one pair born in place, its address and its route", (t) => {
  t.deepEqual(lines(node, [], wish), [
    "ip link add v0123456789 address 06:aa:bb:cc:dd:01 master l-lab up type veth peer name eth0 address 02:aa:bb:cc:dd:01 netns cni-1 up",
    "ip -n cni-1 addr add 192.168.50.7/24 dev eth0",
    "ip -n cni-1 route replace default via 192.168.50.1 dev eth0",
  ]);
});

test("joined twice is joined once; leaving takes one step and leaves the rest as it was", (t) => {
  const joined = applySteps(node, diffUnits(indexActual(node), [], wish).steps);
  t.deepEqual(lines(joined, wish, wish), []);
  t.deepEqual(lines(joined, wish, []), ["ip link del v0123456789"]);
  t.deepEqual(applySteps(joined, diffUnits(indexActual(joined), wish, []).steps), node);
  // The fast way and the whole difference agree.
  t.deepEqual(diff(joined, [...target, ...wish]).steps, []);
});

test("a changed address is the only step, and nobody else's link is touched", (t) => {
  const joined = applySteps(node, diffUnits(indexActual(node), [], wish).steps);
  const moved = compileMember(lab, { ...c1, addresses: ["192.168.50.8/24"] });
  t.deepEqual(lines(joined, wish, moved), [
    "ip -n cni-1 addr del 192.168.50.7/24 dev eth0",
    "ip -n cni-1 addr add 192.168.50.8/24 dev eth0",
  ]);
});

test("somebody's link of the wanted name is refused, inside and on the node", (t) => {
  const theirs = { ...physicalNic("eth0", 9), netns: "cni-1", type: "veth" };
  const { steps, foreign } = diffUnits(indexActual({ ...node, link: [...node.link, theirs] }), [], wish);
  t.deepEqual(steps, []);
  t.deepEqual(foreign, ["link cni-1/eth0 exists (veth, down, group 0) and is not Netloom's"]);
  const taken = { ...physicalNic(c1.hostName, 9), netns: HOST, type: "dummy" };
  t.deepEqual(diffUnits(indexActual({ ...node, link: [...node.link, taken] }), [], wish).foreign, [
    "link v0123456789 exists (dummy, down, group 0) and is not Netloom's",
  ]);
});

test("a link that was about to be deleted when the daemon ended goes, and is made anew when it is wanted", (t) => {
  const joined = applySteps(node, diffUnits(indexActual(node), [], wish).steps);
  const doomed = joined.link.map((link) =>
    link.name === c1.hostName ? { ...link, group: OWNER.doomed * 0x1_0000 + 7 } : link,
  );
  const left = { ...joined, link: doomed };
  t.deepEqual(diff(left, target).steps.map(explain), [`ip link del ${c1.hostName}`]);
  const { steps } = diff(left, [...target, ...wish]);
  t.is(steps.map(explain)[0], `ip link del ${c1.hostName}`);
  t.deepEqual(diff(applySteps(left, steps), [...target, ...wish]).steps, []);
});
