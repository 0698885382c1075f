import test from "ava";
import fc from "fast-check";
import { uptime } from "../lib/uptime.ts";
import { mismatches } from "../testing/mismatches.ts";
import { RealKernel } from "../testing/real-kernel.ts";
import { Sandbox } from "../testing/sandbox.ts";
import { kernelHasLink } from "../testing/skip.ts";
import { targets, type Feature } from "../testing/targets.ts";

const LINK_KINDS = ["vlan", "bond", "dummy"] as const satisfies readonly Feature[];
const lacks = new Set<Feature>(LINK_KINDS.filter((kind) => !kernelHasLink(kind)));
if (!kernelHasLink("bridge vlan_filtering 1")) lacks.add("bridge vlan filtering");

/** Later than any run of this test, so that no address ends in it. */
const wish = targets({ lacks, now: Math.round(uptime()) + 10_000 });

test("from any state to any other: the real kernel is as wished, and a second look finds nothing to do", async (t) => {
  await using sandbox = await Sandbox.open();
  await using kernel = new RealKernel(sandbox);
  await fc.assert(
    fc.asyncProperty(wish, wish, async (a, b) => {
      await kernel.reach(a);
      const { report, again, actual } = await kernel.reach(b);
      const failures = report.failures.map(({ step, message }) => `${step}: ${message}`);
      const wrong = [...failures, ...report.unverified, ...again.steps, ...again.foreign, ...mismatches(actual, b)];
      // Thrown, so that the pair is told and made smaller.
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
  t.pass();
});
