import test from "ava";
import fc from "fast-check";
import type { Actual } from "../../model/actual.ts";
import type { Document } from "../../model/document.ts";
import type { Facts } from "../../model/facts.ts";
import { facts, keyFact, lan, lease, nic, node, peer, resource } from "../../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic, seenRoute } from "../../testing/memory-kernel.ts";
import { compile } from "../compile.ts";
import { diff } from "./index.ts";

const NAMES = ["alpha", "beta", "gamma"] as const;
const kernel: Actual = { ...emptyKernel(), link: [physicalNic("eth0", 2), physicalNic("eth1", 3)] };

const peers = fc.uniqueArray(
  fc.record({
    n: fc.integer({ min: 2, max: 6 }),
    port: fc.option(fc.integer({ min: 1, max: 3 })),
    keepalive: fc.constantFrom(0, 20),
  }),
  { selector: ({ n }) => n, maxLength: 4 },
);

const resources = fc.uniqueArray(
  fc.record({ name: fc.constantFrom(...NAMES), third: fc.integer({ min: 7, max: 9 }), mesh: fc.option(peers) }),
  { selector: ({ name }) => name, maxLength: 3 },
);

const lans = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    dhcp: fc.boolean(),
    v6: fc.boolean(),
    port: fc.option(fc.constantFrom("eth0", "eth1")),
  }),
  { selector: ({ name }) => name, maxLength: 3 },
);

interface World {
  readonly documents: readonly Document[];
  readonly facts: Facts;
}

/** Any mixture of documents that does not contradict itself, with facts that fit. */
const world: fc.Arbitrary<World> = fc
  .record({ resources, lans, lease: fc.boolean(), uplink: fc.boolean() })
  .map((wish) => ({
    documents: [
      ...(wish.uplink ? [] : [node({ uplink: { mode: "none", ignore: [] } })]),
      ...wish.lans.map(({ name, dhcp, v6, port }, index) =>
        lan(name, {
          cidr: `192.168.${index}.0/24`,
          dhcp,
          nics: port === null || index > 0 ? [] : [port],
          ...(v6 ? { ipv6: { cidr: `fd00:${index}::/64`, dhcp: true } } : {}),
        }),
      ),
      ...wish.resources.map(({ name, third, mesh }, index) => {
        if (mesh === null) return resource(name, { subnet: `10.10.${third}.0/24` });
        const list = mesh.map(({ n, port, keepalive }) =>
          peer(`peer ${n}`, {
            allowedIps: [`10.10.${n}.0/24`],
            keepalive,
            ...(port === null ? {} : { endpoint: `192.0.2.${n}:${port}` }),
          }),
        );
        return resource(name, { subnet: `10.10.${third}.0/24`, wireguard: { listenPort: 51820 + index, peers: list } });
      }),
    ],
    facts: facts({
      nics: [nic("eth0"), nic("eth1")],
      leases: wish.lease ? [lease("eth1")] : [],
      wireguardKeys: Object.fromEntries(NAMES.map((name) => [name, keyFact(name)])),
    }),
  }));

const targetOf = ({ documents, facts: known }: World): ReturnType<typeof compile>["target"] => {
  const { target, issues } = compile(documents, known);
  if (issues.length > 0) throw new Error(issues.map((issue) => issue.message).join("; "));
  return target;
};

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
    netns: [{ name: "other", owned: false }],
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
