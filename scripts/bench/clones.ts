import { readFile } from "node:fs/promises";
import { describeAccelerator } from "../../vm-tests/harness/accel.ts";
import { Lab } from "../../vm-tests/harness/lab.ts";
import type { LabNode } from "../../vm-tests/harness/node.ts";
import { labOptions } from "../../vm-tests/harness/test-lab.ts";
import { GATEWAY, NETWORK } from "../../vm-tests/scenarios/gateway.ts";
import { type Bench, median } from "./figure.ts";

const members = ["n1", "n2", "n3"];

/** A lab of four from its template: until a program ran in each node, what each then needs for itself, and until all are online. */
export const clones: Bench = {
  name: "clones",
  inToolbox: true,
  needsImage: true,
  measure: async () => {
    const nodes = Object.fromEntries(members.map((name) => [name, { nics: [NETWORK] }]));
    const topology = { networks: [NETWORK], nodes: { gateway: GATEWAY, ...nodes } };
    const options = await labOptions("bench-clones");
    // The template is made by whoever needs it first.
    await (await Lab.start(topology, { ...options, boot: ["n1"] }))[Symbol.asyncDispose]();

    const started = performance.now();
    const since = (): number => (performance.now() - started) / 1000;
    await using lab = await Lab.start(topology, options);
    const own = await Promise.all(
      lab.nodes.map(async (node) => {
        await node.run(["true"]);
        return ownMemory(node);
      }),
    );
    const usable = since();
    await Promise.all(members.map((name) => lab.node(name).waitForConsole(/netloom: online/u)));
    const online = since();
    const later = await Promise.all(lab.nodes.map(ownMemory));
    const note = describeAccelerator(lab.accel);
    return [
      { name: "lab of four from a template, usable", ours: usable, unit: "s", bar: 5, note: "a program ran in each" },
      { name: "lab of four from a template, online", ours: online, unit: "s", note },
      { name: "memory of a clone of its own, usable", ours: median(own), unit: "MB", bar: 60, note: "of QEMU in all" },
      { name: "memory of a clone of its own, online", ours: median(later), unit: "MB", note: "of QEMU in all" },
    ];
  },
};

/** Memory of its QEMU in MiB that is no file's: all but what it shares with its template and with other clones (proc(5)). */
async function ownMemory({ pid }: LabNode): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Anonymous: +(\d+) kB$/mu.exec(text)?.[1]) / 1024;
}
