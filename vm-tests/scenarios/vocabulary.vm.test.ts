import { join } from "node:path";
import fc from "fast-check";
import { dist } from "../../scripts/lib/build.ts";
import type { Target } from "../../src/model/kernel.ts";
import { mismatches } from "../../src/testing/mismatches.ts";
import { targetText, type TargetAnswer } from "../../src/testing/target-command.ts";
import { targets } from "../../src/testing/targets.ts";
import { scenario } from "../harness/scenario.ts";
import { everything, FIRST, PUBLIC, SECOND } from "./vocabulary-targets.ts";

/** Beside the addon that ships. */
const PROGRAM = "/usr/lib/netloom/netloom-test";
/** Not the one of busybox, which nsenter finds first. */
const IP = "/usr/sbin/ip";
const DIRECTORY = "/run/vocabulary";
/** Generated targets, each reached from the one before. */
const GENERATED = 10;
/** Lifetimes end later than that. */
const LATER = 100_000;

scenario(
  "every kind of the vocabulary is made, found as wished, changed and removed, on a kernel that has them all",
  {
    group: "full",
    topology: () => ({
      networks: [],
      nodes: { n1: { nics: [], memory: 768, files: { [PROGRAM]: { from: join(dist, "netloom-test"), mode: 0o755 } } } },
    }),
    timeoutMs: 600_000,
  },
  async ({ t, node, step, options }) => {
    const guest = node("n1");
    // A namespace for what a target calls the node: the daemon of this machine has its own.
    await guest.run(["ip", "netns", "add", "place"]);
    await guest.run(["mkdir", "-p", DIRECTORY]);
    const inside = (argv: readonly string[]): Promise<string> =>
      guest.run(["nsenter", "--net=/run/netns/place", ...argv], { timeoutMs: 300_000 });
    const reach = async (texts: readonly string[]): Promise<readonly TargetAnswer[]> => {
      const files = texts.map((_text, at) => `${DIRECTORY}/${at}.json`);
      await Promise.all(files.map((file, at) => guest.writeFile(file, texts[at] ?? "")));
      // Its exit code says whether all were reached; the answers say more.
      const command = `${PROGRAM} target --dir ${DIRECTORY} ${files.join(" ")} || true`;
      return (await inside(["sh", "-c", command]))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as TargetAnswer);
    };
    const expectReached = (answer: TargetAnswer | undefined, target: Target): void => {
      t.deepEqual(answer?.report.failures, []);
      t.deepEqual(answer?.again, { steps: [], foreign: [] });
      t.deepEqual(answer === undefined ? ["no answer"] : mismatches(answer.actual, target), []);
    };
    const [first, second] = [everything(FIRST), everything(SECOND)];

    await step("made", async () => {
      const [answer] = await reach([first]);
      expectReached(answer, JSON.parse(first) as Target);
      t.regex(await inside(["bridge", "vlan", "show", "dev", "v0"]), /10 PVID Egress Untagged\s+11\s/u);
      t.regex(await inside([IP, "-d", "link", "show", "team"]), /bond mode active-backup/u);
      const keys = await guest.run(["ip", "netns", "exec", "vocab", "wg", "show", "w0", "preshared-keys"]);
      t.is(keys.split("\n").filter((line) => /\t[A-Za-z0-9+/]{43}=$/u.test(line)).length, 1);
      t.is((await guest.run(["ip", "netns", "exec", "vocab", "wg", "show", "w0", "public-key"])).trim(), PUBLIC);
      return `${answer?.report.steps.length ?? 0} steps`;
    });
    await step("applied again by another process: nothing to do", async () => {
      const [answer] = await reach([first]);
      t.like(answer?.report, { outcome: "unchanged", steps: [] });
    });
    await step("changed", async () => {
      const [answer] = await reach([second]);
      expectReached(answer, JSON.parse(second) as Target);
      // One peer lost its key; the hundreds beside it were not touched.
      const wireguard = answer?.report.steps.filter((line) => line.includes(" wg set ")) ?? [];
      t.is(wireguard.length, 2);
      t.regex(wireguard.join("\n"), /fwmark 9[^]*preshared-key \/dev\/null/u);
    });
    await step("removed", async () => {
      const [answer] = await reach(["[]"]);
      expectReached(answer, []);
      t.deepEqual((await inside([IP, "-o", "link"])).match(/^\d+: \S+/gmu), ["1: lo:"]);
    });
    await step("from any state to any other", async () => {
      const generated = fc.sample(targets({ now: LATER }), { numRuns: GENERATED, seed: options.seed ?? 1 });
      const answers = await reach(generated.map(targetText));
      t.is(answers.length, GENERATED);
      for (const [at, target] of generated.entries()) {
        const answer = answers[at];
        const wrong = answer && [
          ...answer.report.failures,
          ...answer.again.steps,
          ...mismatches(answer.actual, target),
        ];
        t.deepEqual(wrong, [], `${JSON.stringify(generated[at - 1] ?? [])}\n${JSON.stringify(target)}`);
      }
      return `${GENERATED} targets`;
    });
  },
);
