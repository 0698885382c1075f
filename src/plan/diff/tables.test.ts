import test from "ava";
import type { Actual, ActualFdb } from "../../model/actual.ts";
import { HOST, type KernelObject, type Target } from "../../model/kernel.ts";
import { applySteps, emptyKernel } from "../../testing/memory-kernel.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const links: Target = [
  { kind: "link", netns: HOST, name: "br", type: "bridge", options: { vlanFiltering: true } },
  {
    kind: "link",
    netns: HOST,
    name: "d0",
    type: "dummy",
    master: "br",
    vlans: [{ id: 1, pvid: true, untagged: true }, { id: 5 }, { id: 6 }],
  },
];
const place = { netns: HOST, dev: "d0", mac: "02:00:00:00:00:aa" };
const entry = (vlan?: number): KernelObject => ({ kind: "fdb", ...place, ...(vlan === undefined ? {} : { vlan }) });

/** The kernel after an entry of all VLANs was asked for: it has one for each VLAN of the port beside it. */
function withEntries(...vlans: readonly (number | null)[]): Actual {
  const made = applySteps(emptyKernel(), diff(emptyKernel(), links).steps);
  const fdb = vlans.map((vlan): ActualFdb => ({ ...place, remote: null, vni: null, port: null, vlan, owned: true }));
  return { ...made, fdb };
}

const lines = (from: Actual, ...wish: readonly KernelObject[]): readonly string[] =>
  diff(from, [...links, ...wish]).steps.map(explain);

test("what the kernel adds for each VLAN to a forwarding entry that names none is neither left over nor removed twice", (t) => {
  t.deepEqual(lines(withEntries(null, 1, 5), entry()), []);
  t.deepEqual(lines(withEntries(null, 1, 5)), ["bridge fdb del 02:00:00:00:00:aa dev d0 master static"]);
});

test("an entry of one VLAN is made again when the removal of that of all takes it along", (t) => {
  t.deepEqual(lines(withEntries(null, 1, 5), entry(5)), [
    "bridge fdb del 02:00:00:00:00:aa dev d0 master static",
    "bridge fdb append 02:00:00:00:00:aa dev d0 vlan 5 master static",
  ]);
  t.deepEqual(lines(withEntries(5), entry(5)), []);
  t.deepEqual(lines(withEntries(5, 6), entry(5)), ["bridge fdb del 02:00:00:00:00:aa dev d0 vlan 6 master static"]);
});

test("the entries of a VLAN go before their port leaves it, since the kernel would keep them and then refuse to remove them", (t) => {
  const without: Target = links.map((link) =>
    link.kind === "link" && link.name === "d0" ? { ...link, vlans: [{ id: 1, pvid: true, untagged: true }] } : link,
  );
  t.deepEqual(diff(withEntries(null, 1, 5, 6), [...without, entry()]).steps.map(explain), [
    "bridge fdb del 02:00:00:00:00:aa dev d0 vlan 5 master static",
    "bridge fdb del 02:00:00:00:00:aa dev d0 vlan 6 master static",
    "bridge vlan del dev d0 vid 5",
    "bridge vlan del dev d0 vid 6",
  ]);
});
