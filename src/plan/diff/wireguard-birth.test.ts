import test from "ava";
import type { Actual } from "../../model/actual.ts";
import { HOST, type Target } from "../../model/kernel.ts";
import { applySteps, emptyKernel } from "../../testing/memory-kernel.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const wireguard = (bornIn: string | undefined): Target => [
  { kind: "netns", name: "ndemo" },
  { kind: "link", netns: "ndemo", name: "w-demo", type: "wireguard", ...(bornIn === undefined ? {} : { bornIn }) },
];
const inside: Target = [{ kind: "netns", name: "outside" }, ...wireguard("outside")];

const reach = (target: Target, from: Actual = emptyKernel()): Actual => applySteps(from, diff(from, target).steps);
const steps = (from: Actual, target: Target): readonly string[] => diff(from, target).steps.map(explain);

test("a device is born where its socket shall be, after that namespace is made", (t) => {
  t.deepEqual(steps(emptyKernel(), inside), [
    "ip netns add outside",
    "ip netns add ndemo",
    "ip -n ndemo link add w-demo (socket in outside) up type wireguard",
  ]);
  t.deepEqual(steps(reach(inside), inside), []);
});

test("one whose socket is elsewhere is made anew, and the namespace that it leaves ends after that", (t) => {
  t.deepEqual(steps(reach(inside), wireguard(undefined)), [
    "ip -n ndemo link del w-demo",
    "ip -n ndemo link add w-demo up type wireguard",
    "ip netns del outside",
  ]);
  t.deepEqual(steps(reach(wireguard(undefined)), inside), [
    "ip -n ndemo link del w-demo",
    "ip netns add outside",
    "ip -n ndemo link add w-demo (socket in outside) up type wireguard",
  ]);
});

test("one whose namespace somebody ended is made anew along with it", (t) => {
  const made = reach(inside);
  const without: Actual = applySteps(made, [{ op: "netns.del", args: { name: "outside" } }]);
  t.deepEqual(steps(without, inside), [
    "ip -n ndemo link del w-demo",
    "ip netns add outside",
    "ip -n ndemo link add w-demo (socket in outside) up type wireguard",
  ]);
});

test("no device is born in a namespace of that name that is somebody else's", (t) => {
  const theirs: Actual = { ...emptyKernel(), netns: [{ name: "outside", owned: false }] };
  const { steps: taken, foreign } = diff(theirs, inside);
  t.deepEqual(taken.map(explain), ["ip netns add ndemo"]);
  t.true(
    foreign.some((reason) => reason.includes("outside")),
    foreign.join("\n"),
  );
});

test("the socket of a device that is not named is in the node's own namespace", (t) => {
  t.is(reach(wireguard(undefined)).link.find(({ name }) => name === "w-demo")?.bornIn, HOST);
});
