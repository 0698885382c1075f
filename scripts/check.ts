// `npm test -- [TIER | FILE]...`: sets up what is missing and runs the checks. Tiers: static, pure, netns, vm; all of them unless
// some are named. A test file is run in its tier, alone: `npm test -- vm-tests/scenarios/main-job.vm.test.ts`. Of the scenarios
// in virtual machines the smoke group is run unless files are named; `npm run lab -- test` runs all.
// The last line is "N passed, N failed, N skipped" and the exit code is 0 when none failed.
import { availableParallelism } from "node:os";
import { buildAddon, buildAgent, buildBinary, buildTestBinary } from "./lib/build.ts";
import { type Check, type Tier, runTier, rustChecks, typescriptChecks } from "./lib/checks.ts";
import { ensureImage } from "./lib/image.ts";
import { ensureBase } from "./lib/image-base.ts";
import { buildKernelTests } from "./lib/kernel-tests.ts";
import { buildZinit } from "./lib/zinit.ts";
import { fail, say, step } from "./lib/progress.ts";
import { addCounts, countsText, noTests, type TestCounts } from "./lib/tap.ts";
import { pureTestFiles } from "./lib/test-processes.ts";
import { together } from "./lib/together.ts";
import { ensureToolbox } from "./lib/toolbox.ts";
import { countsOf, machineText } from "../vm-tests/lab/test-output.ts";
import { planOf, runPlan } from "../vm-tests/lab/test.ts";
import { testFileOf } from "../vm-tests/lab/test-file.ts";

const tiers = ["static", "pure", "netns", "vm"] as const;
const words = process.argv.slice(2);
const files = words.filter((word) => word.endsWith(".test.ts")).map(pathOf);
const named = [...words.filter((word) => !word.endsWith(".test.ts")), ...files.map(tierOf)];
const chosen = new Set<string>(named.length > 0 ? named : tiers);
const unknown = [...chosen].filter((name) => !(tiers as readonly string[]).includes(name));
if (unknown.length > 0) fail(new Error(`no such tier: ${unknown.join(", ")}; there are ${tiers.join(", ")}`));

const pure: Tier = {
  name: "pure",
  files: filesOf("pure", pureTestFiles()),
  inToolbox: false,
  // One more than there are processors, since some of them wait. A group that checks a property says nothing meanwhile; AVA gives up
  // after 10 seconds of silence.
  args: [`--concurrency=${availableParallelism() + 1}`, "--timeout=2m"],
};
// Each node under test is a machine of its own (src/testing/sandbox.ts), and half of the time one waits for another.
const netns: Tier = {
  name: "netns",
  files: filesOf("netns", ["{src,scripts,vm-tests}/**/*.netns.test.ts"]),
  inToolbox: true,
  args: ["--concurrency=3", "--timeout=2m"],
  // A daemon that is started from its sources needs 0.9 processor seconds to read them, and 0.3 when one did before.
  env: { NODE_COMPILE_CACHE: "/tmp/node-compile-cache" },
  before: `node --eval 'import("./src/daemon.ts")'`,
};

let total = noTests;
try {
  if (chosen.has("pure")) await test(pure);
  if (chosen.has("static")) for (const one of typescriptChecks) await check(one);
  if (chosen.has("static") || chosen.has("netns") || chosen.has("vm")) await ensureToolbox();
  if (chosen.has("static")) for (const one of rustChecks) await check(one);
  if (chosen.has("netns") || chosen.has("vm")) await together(buildAddon, buildBinary, buildTestBinary);
  if (chosen.has("netns")) await buildZinit();
  if (chosen.has("netns")) await test(netns);
  if (chosen.has("vm")) {
    await together(buildAgent, ensureBase);
    await buildKernelTests();
    const image = await ensureImage();
    const plan = await planOf(filesOf("vm", ["--group", "smoke"]));
    const command = ["npm test", ...(words.length > 0 ? ["--"] : []), ...words].join(" ");
    await counted("vm", async ({ note }) => {
      const run = await runPlan(plan, image.dir, command, { onResult: note });
      say("vm", machineText(run));
      return countsOf(run);
    });
  }
} catch (error) {
  // Setting up failed: what did not run is not green.
  process.stderr.write(`netloom: ${error instanceof Error ? error.message : String(error)}\n`);
  total = addCounts(total, { ...noTests, failed: 1 });
}
process.stdout.write(countsText(total));
process.exitCode = total.failed === 0 ? 0 : 1;

/** What the command line says, or the end with a word about what is wrong. */
function pathOf(word: string): string {
  try {
    return testFileOf(word);
  } catch (error) {
    return fail(error);
  }
}

/** The tier of a test file is in its name. */
function tierOf(file: string): string {
  return /\.(netns|vm)\.test\.ts$/u.exec(file)?.[1] ?? "pure";
}

/** The files that were named for a tier, or all of it. */
function filesOf(tier: string, all: readonly string[]): readonly string[] {
  const own = files.filter((file) => tierOf(file) === tier);
  return own.length > 0 ? own : all;
}

async function check({ name, run }: Check): Promise<void> {
  await counted(name, ({ log }) => run(log));
}

async function test(tier: Tier): Promise<void> {
  await counted(tier.name, ({ note }) => runTier(tier, note));
}

async function counted(
  name: string,
  work: (context: Parameters<Parameters<typeof step>[1]>[0]) => Promise<TestCounts>,
): Promise<void> {
  const { counts } = await step(name, async (context) => {
    const found = await work(context);
    const skipped = found.skipped > 0 ? `, ${found.skipped} skipped` : "";
    return {
      hit: false,
      verb: "took",
      counts: found,
      detail: `${found.passed} passed${found.failed > 0 ? `, ${found.failed} FAILED` : ""}${skipped}`,
    };
  });
  total = addCounts(total, counts);
  if (counts.failed > 0) say(name, "has failures, shown at the end");
}
