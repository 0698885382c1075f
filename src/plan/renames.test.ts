import test from "ava";
import type { Actual } from "../model/actual.ts";
import type { NicFact } from "../model/facts.ts";
import { facts, nic } from "../testing/builders.ts";
import { applySteps, emptyKernel, physicalNic } from "../testing/memory-kernel.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";

const A = "52:54:00:00:00:0a";
const B = "52:54:00:00:00:0b";
const flagsOf = (line: string): ReturnType<typeof parseCommandLine>["flags"] => parseCommandLine(line).flags;

/** Compiles and applies until nothing is left to rename; the NICs are looked at anew each time, by their MAC. */
function settle(
  line: string,
  names: Readonly<Record<string, string>>,
): { readonly steps: readonly string[]; readonly names: readonly string[] } {
  let kernel: Actual = {
    ...emptyKernel(),
    link: Object.entries(names).map(([mac, name], at) => ({ ...physicalNic(name, at + 2), mac })),
  };
  const steps: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const nics: NicFact[] = kernel.link
      .filter(({ type }) => type === "physical")
      .map(({ name, mac }) => nic(name, { mac: mac ?? "" }));
    const { target } = compile([], facts({ nics, flags: flagsOf(line) }));
    const { steps: all } = diff(kernel, target);
    const renames = all.filter(({ op }) => op === "link.rename");
    t0(renames.length === 0 || all.slice(0, renames.length).every(({ op }) => op === "link.rename"));
    steps.push(...renames.map(explain));
    kernel = applySteps(kernel, renames);
  }
  return { steps, names: kernel.link.map(({ name }) => name).toSorted() };
}

function t0(first: boolean): void {
  if (!first) throw new Error("something is done before the NICs have their names");
}

test("a NIC gets the name that its MAC has on the command line, and one that has it already is left alone", (t) => {
  t.deepEqual(settle(`ifname=lan0:${A} ifname=eth1:${B}`, { [A]: "eth0", [B]: "eth1" }), {
    steps: ["ip link set eth0 name lan0"],
    names: ["eth1", "lan0"],
  });
});

test("two NICs exchange their names", (t) => {
  const { steps, names } = settle(`ifname=eth1:${A} ifname=eth0:${B}`, { [A]: "eth0", [B]: "eth1" });
  t.is(steps.length, 4);
  t.deepEqual(names, ["eth0", "eth1"]);
  t.regex(steps[2] ?? "", /^ip link set n-\S+ name eth1$/u);
});

test("a chain of names that ends at a NIC which keeps its own moves nobody", (t) => {
  const C = "52:54:00:00:00:0c";
  t.deepEqual(settle(`ifname=eth1:${A} ifname=eth2:${B}`, { [A]: "eth0", [B]: "eth1", [C]: "eth2" }), {
    steps: [],
    names: ["eth0", "eth1", "eth2"],
  });
});

test("a NIC that waits for its name is no candidate, and nothing is done to it", (t) => {
  const compiled = compile([], facts({ nics: [nic("eth0", { mac: A })], flags: flagsOf(`ifname=lan0:${A}`) }));
  t.deepEqual(compiled.decision, []);
  const kernel = { ...emptyKernel(), link: [{ ...physicalNic("eth0", 2), mac: A }] };
  const steps = diff(kernel, compiled.target).steps.map(explain);
  t.deepEqual(
    steps.filter((line) => /eth0|lan0/u.test(line)),
    ["ip link set eth0 name lan0"],
  );
});
