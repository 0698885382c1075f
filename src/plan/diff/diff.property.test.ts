import test from "ava";
import fc from "fast-check";
import type { Actual } from "../../model/actual.ts";
import { applySteps, emptyKernel, physicalNic, seenRoute } from "../../testing/memory-kernel.ts";
import { BOXES, NICS, targetOf, worlds } from "../../testing/worlds.ts";
import { diff } from "./index.ts";

const world = worlds();
const boxes = BOXES.map((name) => ({ name, owned: false }));
const kernel: Actual = { ...emptyKernel(), netns: boxes, link: NICS.map((name, at) => physicalNic(name, at + 2)) };

test("applying the difference to any state gives the wish: a second difference is empty", (t) => {
  fc.assert(
    fc.property(world, world, (a, b) => {
      const [from, to] = [targetOf(a), targetOf(b)];
      const before = applySteps(kernel, diff(kernel, from).steps);
      const after = applySteps(before, diff(before, to).steps);
      return diff(after, to).steps.length === 0;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test("going to a state from anywhere leaves what going there from nothing leaves", (t) => {
  const keys = (state: Actual): string =>
    JSON.stringify(
      [state.netns, state.link, state.address, state.route, state.nft, state.process].map((part) =>
        part.map((object) => JSON.stringify({ ...object, index: 0, peerIndex: 0, up: true, metric: 0 })).toSorted(),
      ),
    );
  fc.assert(
    fc.property(world, world, (a, b) => {
      const [from, to] = [targetOf(a), targetOf(b)];
      const before = applySteps(kernel, diff(kernel, from).steps);
      return keys(applySteps(before, diff(before, to).steps)) === keys(applySteps(kernel, diff(kernel, to).steps));
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test("what is not marked as ours is in no step, whatever the wish", (t) => {
  const foreign = { ...physicalNic("docker0", 9), type: "bridge", up: true };
  const others = {
    ...kernel,
    netns: [...boxes, { name: "other", owned: false }],
    link: [...kernel.link, foreign],
    address: [
      { netns: "", dev: "docker0", address: "172.17.0.1/16", owned: false, validUntil: null, preferredUntil: null },
    ],
    route: [seenRoute({ to: "0.0.0.0/0", dev: "docker0", via: null, metric: 5 })],
  };
  fc.assert(
    fc.property(world, (wish) => !JSON.stringify(diff(others, targetOf(wish)).steps).match(/docker0|"other"/u)),
    { numRuns: 200 },
  );
  t.pass();
});
