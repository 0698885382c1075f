import { globSync } from "node:fs";
import { repository } from "./repository.ts";

/** The name of a group: scripts/test-groups/NAME.test.ts is the file that AVA is given for it. */
export type TestGroup = "compilers" | "program" | "harness";

/**
 * Pure tests that share a process, by where they are; the first that fits. A process for each file costs 0.3 processor seconds,
 * nearly all of it for loading AVA and the same sources again, where the tests of most files take a few milliseconds.
 */
const groups: Readonly<Record<TestGroup, RegExp>> = {
  compilers: /^src\/(?:lib|model|sdk|plan|ui)\//u,
  program: /^src\//u,
  harness: /^(?:scripts|vm-tests)\//u,
};

/** Test files that have a process of their own, and why. */
const alone: Readonly<Record<string, string>> = {
  "src/engine/engine.test.ts": "waits by the clock, its tests side by side",
  "src/engine/guard.test.ts": "waits by the clock, its tests side by side",
  "scripts/lib/cache.test.ts": "sets NETLOOM_CACHE",
  "vm-tests/harness/boot-source.test.ts": "sets NETLOOM_CACHE",
  "vm-tests/lab/places.test.ts": "sets NETLOOM_LABS",
  "vm-tests/harness/delay-line.test.ts": "holds frames by the clock",
  "vm-tests/harness/switch.test.ts": "keeps a processor busy, on real sockets",
  "vm-tests/harness/switch-link.test.ts": "keeps a processor busy, on real sockets and by the clock",
  "vm-tests/harness/timeout.test.ts": "measures how busy the machine is",
};

/** All groups. */
export const testGroups: readonly TestGroup[] = ["compilers", "program", "harness"];

/** The files that no other file shares a process with. */
export const aloneFiles: readonly string[] = Object.keys(alone);

const folder = "scripts/test-groups";

/** Files of pure tests, paths from the repository: for AVA, so that each test is in one of them. */
export function pureTestFiles(): readonly string[] {
  return [...testGroups.map((group) => `${folder}/${group}.test.ts`), ...aloneFiles];
}

/** The files of a group, in order of their names. */
export function filesOfGroup(group: TestGroup): readonly string[] {
  return pureTests().filter((file) => groupOf(file) === group);
}

/** The title of a test as AVA prints it for its file: without the file of the group that it ran in. */
export function ownTitle(title: string): string {
  return title.replace(/^scripts › test-groups › [a-z]+ › /u, "");
}

/** Every test file of every tier, paths from the repository. */
export function testFiles(): readonly string[] {
  return globSync("{src,scripts,vm-tests}/**/*.test.ts", { cwd: repository });
}

function pureTests(): readonly string[] {
  return testFiles()
    .filter((file) => !/\.(?:netns|vm)\.test\.ts$/u.test(file) && !file.startsWith(`${folder}/`))
    .toSorted();
}

function groupOf(file: string): TestGroup | undefined {
  return file in alone ? undefined : testGroups.find((group) => groups[group].test(file));
}
