import { join } from "node:path";
import { fetchCrates, findRust, runCargo } from "./rust.ts";
import { run } from "./process.ts";
import { repository } from "./repository.ts";
import { ownTitle } from "./test-processes.ts";
import { toolboxCommand } from "./toolbox-enter.ts";
import { noTests, parseCargoTest, parseTap, type TestCounts } from "./tap.ts";

/** Directories with sources of ours; the tools are told them, else they walk node_modules. */
const sources = ["src", "scripts", "vm-tests"];
const bin = (name: string): string => join(repository, "node_modules/.bin", name);

/** One thing that `npm test` does: a tool that is content, or a run of tests. */
export type Check = { readonly name: string; readonly run: (log: string) => Promise<TestCounts> };

/** A tool that ends with 0 when it is content counts as one passed test. */
function tool(name: string, argv: readonly string[]): Check {
  return { name, run: (log) => contentOrFailed(name, () => run(argv, { cwd: repository, log })) };
}

async function contentOrFailed(name: string, work: () => Promise<unknown>): Promise<TestCounts> {
  try {
    await work();
    return { ...noTests, passed: 1 };
  } catch (error) {
    return { ...noTests, failed: 1, failures: [`${name}\n${error instanceof Error ? error.message : String(error)}`] };
  }
}

/** Format, types, lint and dead code of the TypeScript. */
export const typescriptChecks: readonly Check[] = [
  tool("oxfmt", [bin("oxfmt"), "--check", ...sources]),
  tool("tsc", [bin("tsc"), "--project", "tsconfig.json"]),
  tool("oxlint", [bin("oxlint"), "--type-aware", "--deny-warnings", ...sources]),
  tool("knip", [bin("knip"), "--no-progress"]),
];

/** Format, lint and tests of the Rust, in the toolbox. */
export const rustChecks: readonly Check[] = [
  { name: "rustfmt", run: (log) => contentOrFailed("rustfmt", () => cargo(["fmt", "--all", "--check"], log)) },
  {
    name: "clippy",
    run: (log) =>
      contentOrFailed("clippy", () =>
        cargo(["clippy", "--offline", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"], log),
      ),
  },
  { name: "cargo test", run: cargoTest },
];

async function cargo(args: readonly string[], log?: string): Promise<string> {
  const rust = await findRust();
  if (log !== undefined) await fetchCrates(rust, log, () => undefined);
  return await runCargo(rust, ["cargo", ...args], { purpose: "check", ...(log === undefined ? {} : { log }) });
}

async function cargoTest(): Promise<TestCounts> {
  const command = ["test", "--offline", "--locked", "--workspace", "--no-fail-fast", "--", "--show-output"];
  return await cargo(command).then(parseCargoTest, (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    const counts = parseCargoTest(text);
    return counts.failed > 0 ? counts : { ...noTests, failed: 1, failures: [`cargo test\n${text}`] };
  });
}

/** A tier of AVA tests by their files; `inToolbox` for those that need root, the kernel or QEMU. */
export type Tier = {
  readonly name: string;
  readonly files: readonly string[];
  readonly inToolbox: boolean;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A shell command that is run first in the toolbox, with the same environment. */
  readonly before?: string;
};

/** Runs a tier and counts its results. A run that ends without any result is a failure of its own. */
export async function runTier(
  { name, files, inToolbox, args = [], env = {}, before = ":" }: Tier,
  onLine: (line: string) => void,
): Promise<TestCounts> {
  const ava = ["node", join(repository, "node_modules/ava/entrypoints/cli.js"), "--tap", ...args, ...files];
  const argv = inToolbox
    ? await toolboxCommand(["sh", "-c", `${before}\nexec "$@"`, "sh", ...ava], { env })
    : [process.execPath, ...ava.slice(1)];
  let text = "";
  const collect = (line: string): void => {
    const [, result = "", title] = /^((?:not )?ok \d+ - )(.*)$/u.exec(line) ?? [];
    text += title === undefined ? `${line}\n` : `${result}${ownTitle(title)}\n`;
    // Of a result, what was proven; the rest is for the end.
    if (title !== undefined) onLine(ownTitle(title));
  };
  const problem = await run(argv, { cwd: repository, onLine: collect }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const counts = parseTap(text);
  if (counts.passed + counts.failed + counts.skipped === 0)
    return { ...noTests, failed: 1, failures: [`${name}: no test ran\n${problem ?? text}`] };
  if (problem !== undefined && counts.failed === 0)
    return { ...counts, failed: 1, failures: [`${name}: the runner failed\n${problem}`] };
  return counts;
}
