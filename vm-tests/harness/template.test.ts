import test from "ava";
import { shapeOf } from "./template.ts";
import type { NodeSpec } from "./topology.ts";

const base = { accel: "tcg", memory: 384, kernel: "/vmlinux", initrd: "/initrd", cmdline: "quiet" } as const;
const shape = (spec: Partial<NodeSpec>): unknown => shapeOf({ nics: ["lan"], ...spec }, base);

test("nodes of one size start from one template, whatever programs read on their command lines", (t) => {
  const plain = shape({});
  t.deepEqual(plain, { ...base, nics: 1 });
  t.deepEqual(shape({ cmdline: "netloom.config=inline:abc ip=dhcp vlan:priv=100" }), plain);
  t.deepEqual(shape({ files: { "/etc/motd": "hello" } }), plain);
  t.notDeepEqual(shape({ nics: ["lan", "lan"] }), plain);
});

test("what must be there when the kernel starts makes a node boot cold", (t) => {
  const cold: readonly Partial<NodeSpec>[] = [
    { boot: "cold" },
    { disk: "/disk" },
    { rtc: "2020-01-01T00:00:00" },
    { fwCfg: { "opt/x": "y" } },
    { cmdline: "netloom.config=x loglevel=7" },
    { screen: true },
    { agent: false },
    { kernel: "/other" },
  ];
  for (const spec of cold) t.is(shape(spec), undefined, JSON.stringify(spec));
});
