import { copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { dist } from "./build.ts";
import { cached } from "./cache.ts";
import { contentHash } from "./content-hash.ts";
import { handBack } from "./ownership.ts";
import { run } from "./process.ts";
import { megabytes, step } from "./progress.ts";
import { repository } from "./repository.ts";
import { fetchCrates, findRust, runCargo } from "./rust.ts";
import { toolboxCommand } from "./toolbox-enter.ts";
import { toolboxRoot } from "./toolbox.ts";

/** Where the programs are for a scenario. */
export const kernelTests: string = join(dist, "kernel-tests");

/**
 * Test programs of `native/net` that meet the kernel, and the example that records its answers. `never` and `example` read the
 * sources and what cargo built, and the unit tests hardly meet the kernel.
 */
const programs = { tests: ["kernel", "monitor", "objects", "seed"], examples: ["record"] } as const;

/** Compiles the tests of `native/net` for a virtual machine whose kernel has what the development machine's may lack. */
export async function buildKernelTests(): Promise<string> {
  const rust = await findRust();
  const hash = await contentHash({
    root: repository,
    paths: ["native/net", "Cargo.toml", "Cargo.lock", "scripts/lib/kernel-tests.ts", "scripts/lib/rust.ts"],
    values: [rust.version, basename(await toolboxRoot())],
    skip: (path) => path.endsWith(".md"),
  });
  await step("kernel tests", async ({ log, note }) => {
    const entry = await cached("kernel-tests", hash, async (dir) => {
      await fetchCrates(rust, log, note);
      // The target of `npm test -- static`, which has compiled them already.
      const tests = ["test", "--no-run", ...programs.tests.flatMap((name) => ["--test", name])];
      // By `cargo test` an example would become a test program.
      const examples = ["build", ...programs.examples.flatMap((name) => ["--example", name])];
      const options = ["--offline", "--locked", "-p", "netloom-net", "--message-format=json-render-diagnostics"];
      const lines: string[] = [];
      const onLine = (line: string): void => {
        if (line.startsWith("{")) lines.push(line);
        else note(line);
      };
      for (const command of [tests, examples])
        await runCargo(rust, ["cargo", ...command, ...options], { purpose: "check", log, onLine });
      for (const [name, path] of executables(lines)) {
        // Their debugging information is ten times what they are.
        await run(await toolboxCommand(["strip", "-o", join(dir, name), path]), { log });
      }
      await handBack(dir);
    });
    const size = await place(entry.dir);
    return { ...entry, detail: `dist/kernel-tests ${megabytes(size)}` };
  });
  return kernelTests;
}

/** The chosen programs and where cargo says that it put them. */
function executables(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const { target, executable } = JSON.parse(line) as { target?: { name: string }; executable?: string | null };
    if (target !== undefined && typeof executable === "string") found.set(target.name, executable);
  }
  return new Map(
    [...programs.tests, ...programs.examples].map((name) => {
      const path = found.get(name);
      if (path === undefined) throw new Error(`cargo built no test program ${name}`);
      return [name, path] as const;
    }),
  );
}

async function place(from: string): Promise<number> {
  const temporary = `${kernelTests}.${process.pid}`;
  await mkdir(temporary, { recursive: true });
  let size = 0;
  for (const name of await readdir(from)) {
    await copyFile(join(from, name), join(temporary, name));
    size += (await stat(join(from, name))).size;
  }
  await rm(kernelTests, { recursive: true, force: true });
  await rename(temporary, kernelTests);
  return size;
}
