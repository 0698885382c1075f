import test from "ava";
import { HOST, type KernelObject, type Target } from "../model/kernel.ts";
import { BRIDGE_PORTS_MAX } from "../model/limits.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { findLimits, raisedLimits } from "./limits.ts";
import { emptyKernel } from "../testing/memory-kernel.ts";

const many = { descriptors: 1_000_000 };

const ports = (count: number): Target =>
  Array.from({ length: count }, (_, n): KernelObject => ({
    kind: "link",
    netns: HOST,
    name: `v${n}`,
    type: "dummy",
    master: "l-lab",
  }));

test("a bridge takes as many ports as the kernel allows, and one more is refused by number", (t) => {
  t.deepEqual(findLimits(new Map([["Lan lab", ports(BRIDGE_PORTS_MAX)]]), many), []);
  t.deepEqual(
    findLimits(
      new Map([
        ["Lan lab", ports(BRIDGE_PORTS_MAX)],
        ["Member lab/c9", ports(1)],
      ]),
      many,
    ),
    [
      {
        documents: ["Lan lab", "Member lab/c9"],
        message:
          "bridge l-lab would have 1024 ports, and the kernel allows 1023: divide its members among several LANs",
      },
    ],
  );
});

test("bridges of one name in several namespaces are counted apart", (t) => {
  const inside = ports(1000).map((object) => ({ ...object, netns: "ndemo" }) as KernelObject);
  t.deepEqual(findLimits(new Map([["Lan lab", [...ports(1000), ...inside]]]), many), []);
});

test("more namespaces than descriptors are refused with both numbers", (t) => {
  const units = new Map<string, Target>(
    ["a", "b", "c"].map((name) => [`NetworkResource ${name}`, [{ kind: "netns", name: `n${name}` }]]),
  );
  t.deepEqual(findLimits(units, { descriptors: 9 }), []);
  const [issue] = findLimits(units, { descriptors: 8 });
  t.regex(issue?.message ?? "", /^3 namespaces need 9 open files, and this process may have 8: raise/u);
  t.is(issue?.documents.length, 3);
});

test("limits of the machine are raised where they are lower and can be set, and never lowered", (t) => {
  const target = raisedLimits();
  const [lower, equal, higher, ...absent] = target;
  const seen = [
    { netns: HOST, key: lower?.key ?? "", value: "128" },
    { netns: HOST, key: equal?.key ?? "", value: equal?.value ?? "" },
    { netns: HOST, key: higher?.key ?? "", value: "65536" },
    ...absent.slice(0, 2).map(({ key }) => ({ netns: HOST, key, value: null })),
  ];
  const { steps } = diff({ ...emptyKernel(), sysctl: seen.map((one) => ({ ...one, before: null })) }, target);
  t.deepEqual(steps.map(explain), ["sysctl -w net.ipv4.neigh.default.gc_thresh1=4096"]);
});
