import { compile } from "../../src/plan/compile.ts";
import { diff } from "../../src/plan/diff/index.ts";
import type { Member } from "../../src/model/member.ts";
import { facts, lan } from "../../src/testing/builders.ts";
import { emptyKernel } from "../../src/testing/memory-kernel.ts";
import { type Bench, median } from "./figure.ts";

const SIZES = [250, 500, 1000] as const;
const MEMBERS = 20;
const ROUNDS = 7;

/** The plan of many LANs with their members on an empty node: what is wished, compared and put into order. No kernel in it. */
export const plan: Bench = {
  name: "plan",
  inToolbox: true,
  runtime: "bun",
  measure: () => {
    const found = SIZES.map((size) => {
      const times = timesOf(size);
      const part = (name: "compile" | "compare"): number => median(times.map((time) => time[name]));
      const parts = [
        `${part("compile").toFixed(1)} ms  compile`,
        `${part("compare").toFixed(1)} ms  compare and order`,
      ];
      return { size, milliseconds: median(times.map(({ compile: one, compare }) => one + compare)), parts };
    });
    const [small, , large] = found.map(({ milliseconds }) => milliseconds);
    return Promise.resolve([
      ...found.map(({ size, milliseconds, parts }) => ({
        name: `plan-lans-${size}`,
        ours: milliseconds,
        unit: "ms",
        ...(size === 1000 ? { bar: 500 } : {}),
        note: `${MEMBERS} members each`,
        profile: parts,
      })),
      // Four times as much may cost five times as much: what is left are caches of the processor.
      { name: "plan-lans-1000/250", ours: (large ?? Number.NaN) / (small ?? Number.NaN), unit: "times", bar: 5 },
    ]);
  },
};

interface Took {
  readonly compile: number;
  readonly compare: number;
}

function timesOf(size: number): readonly Took[] {
  const lans = Array.from({ length: size }, (_unused, n) => lan(`l${n}`, { cidr: `10.${n >> 8}.${n & 0xff}.0/24` }));
  const members = lans.flatMap((_lan, n) => Array.from({ length: MEMBERS }, (_unused, i) => member(n, i)));
  const known = facts();
  return Array.from({ length: ROUNDS + 1 }, () => {
    const started = performance.now();
    const { target, issues } = compile(lans, known, members);
    const compiled = performance.now();
    const { steps } = diff(emptyKernel(), target);
    const took = { compile: compiled - started, compare: performance.now() - compiled };
    if (issues.length > 0 || steps.length < members.length * 2)
      throw new Error(`no plan: ${JSON.stringify(issues[0])}`);
    return took;
  }).slice(1);
}

function member(n: number, i: number): Member {
  const low = (n * MEMBERS + i).toString(16).padStart(6, "0");
  return {
    lan: `l${n}`,
    name: `c${i}`,
    netns: `c${n}x${i}`,
    nic: "eth0",
    hostName: `v${n}x${i}`,
    mac: `02:00:00:${low.slice(0, 2)}:${low.slice(2, 4)}:${low.slice(4)}`,
    addresses: [`10.${n >> 8}.${n & 0xff}.${10 + i}/24`],
    routes: [{ to: "default", via: `10.${n >> 8}.${n & 0xff}.1` }],
  };
}
