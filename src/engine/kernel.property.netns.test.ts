import test from "ava";
import fc from "fast-check";
import { uptime } from "../lib/uptime.ts";
import type { Target } from "../model/kernel.ts";
import { mismatches } from "../testing/mismatches.ts";
import { RealKernel } from "../testing/real-kernel.ts";
import { Sandbox } from "../testing/sandbox.ts";
import { kernelHasLink } from "../testing/skip.ts";
import { targets, type Feature } from "../testing/targets.ts";
import { BOXES, NICS, targetOf, worlds } from "../testing/worlds.ts";

const LINK_KINDS = ["vlan", "bond", "dummy", "wireguard"] as const satisfies readonly Feature[];
const lacks = new Set<Feature>(LINK_KINDS.filter((kind) => !kernelHasLink(kind)));
if (!kernelHasLink("bridge vlan_filtering 1")) lacks.add("bridge vlan filtering");

/** Later than any run of this test, so that no address ends in it. */
const wish = targets({ lacks, now: Math.round(uptime()) + 10_000 });

/** A test says nothing until its end, and machines are slow under load. */
const PATIENCE_MS = 900_000;

/** Goes to `a` and then to `b`, which must be reached whole. What is wrong is thrown, so that the pair is told and made smaller. */
async function walk(kernel: RealKernel, a: Target, b: Target): Promise<void> {
  await kernel.reach(a);
  const { report, again, actual } = await kernel.reach(b);
  const failures = report.failures.map(({ step, message }) => `${step}: ${message}`);
  const wrong = [...failures, ...report.unverified, ...again.steps, ...again.foreign, ...mismatches(actual, b)];
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}

test("from any state to any other: the real kernel is as wished, and a second look finds nothing to do", async (t) => {
  t.timeout(PATIENCE_MS);
  await using sandbox = await Sandbox.open();
  await using kernel = new RealKernel(sandbox);
  await fc.assert(
    fc.asyncProperty(wish, wish, (a, b) => walk(kernel, a, b)),
    { numRuns: 40, includeErrorInReport: true },
  );
  t.pass();
});

test("from any documents to any other, with members in containers and servers of addresses", async (t) => {
  t.timeout(PATIENCE_MS);
  await using sandbox = await Sandbox.open();
  for (const name of BOXES) await sandbox.ip(`netns add ${name}`);
  for (const [at, name] of NICS.entries()) await sandbox.ip(`link add ${name} type veth peer name far${at}`);
  const before = await sandbox.ip("-j -n box1 address");
  await using kernel = new RealKernel(sandbox);
  const places = { runtimeDir: `${sandbox.dir}/run`, stateDir: sandbox.dir };
  // The kernel would find out that generated keys are no pairs.
  const world = worlds({ mesh: false, uplink: false, places });
  await fc.assert(
    fc.asyncProperty(world, world, (a, b) => walk(kernel, targetOf(a), targetOf(b))),
    { numRuns: 15, includeErrorInReport: true },
  );
  await walk(kernel, [], []);
  t.is(await sandbox.ip("-j -n box1 address"), before);
});
