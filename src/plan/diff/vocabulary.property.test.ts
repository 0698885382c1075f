import test from "ava";
import fc from "fast-check";
import type { Actual } from "../../model/actual.ts";
import { applySteps, emptyKernel } from "../../testing/memory-kernel.ts";
import { targets } from "../../testing/targets.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const anyTarget = targets({ datapaths: ["system", "netdev"] });
const made = (target: Parameters<typeof diff>[1], from: Actual = emptyKernel()): Actual =>
  applySteps(from, diff(from, target).steps);

/** What a state is, without numbers and orders that mean nothing, and without VLANs of bridges that follow none. */
function content(state: Actual): unknown {
  const filtering = new Set(
    state.link
      .filter(({ options }) => options?.["vlanFiltering"] === true)
      .map(({ netns, name }) => `${netns}/${name}`),
  );
  const link = state.link.map((seen) => ({
    ...seen,
    index: 0,
    peerIndex: 0,
    // An option that the wish does not name stays as it is.
    options: { ...seen.options, primary: null },
    vlans: filtering.has(`${seen.netns}/${seen.master ?? seen.name}`)
      ? seen.vlans?.toSorted((a, b) => a.id - b.id).map(({ id, pvid, untagged }) => `${id} ${pvid} ${untagged}`)
      : null,
  }));
  // Beside an entry of all VLANs the kernel keeps some for each that its port was in.
  const broad = new Set(state.fdb.flatMap((entry) => (entry.vlan === null ? [JSON.stringify(entry)] : [])));
  const fdb = state.fdb.filter((entry) => entry.vlan === null || !broad.has(JSON.stringify({ ...entry, vlan: null })));
  const ovs = state.ovs.map((bridge) => ({
    ...bridge,
    ports: bridge.ports
      .map((port) => JSON.stringify({ ...port, trunks: port.trunks.toSorted((a, b) => a - b) }))
      .toSorted(),
  }));
  return Object.fromEntries(
    // A parameter that nobody wants any more stays as it is.
    Object.entries({ ...state, link, ovs, fdb, sysctl: [] }).map(([kind, objects]) => [
      kind,
      objects.map((object: object) => JSON.stringify(object)).toSorted(),
    ]),
  );
}

test("what was made needs no step", (t) => {
  fc.assert(
    fc.property(anyTarget, (target) => {
      t.deepEqual(diff(made(target), target).steps.map(explain), []);
    }),
    { numRuns: 150 },
  );
});

test("from any state to any other in one round, whatever the kinds", (t) => {
  fc.assert(
    fc.property(anyTarget, anyTarget, (a, b) => {
      t.deepEqual(diff(made(b, made(a)), b).steps.map(explain), []);
    }),
    { numRuns: 150 },
  );
});

test("the way there does not matter: the state is as it is when made from nothing", (t) => {
  fc.assert(
    fc.property(anyTarget, anyTarget, (a, b) => {
      t.deepEqual(content(made(b, made(a))), content(made(b)));
    }),
    { numRuns: 150 },
  );
});

test("nothing is left of a target that nobody wants any more", (t) => {
  fc.assert(
    fc.property(anyTarget, (a) => {
      t.deepEqual({ ...made([], made(a)), sysctl: [] }, emptyKernel());
    }),
    { numRuns: 100 },
  );
});
