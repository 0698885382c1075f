import { constants } from "node:fs";
import { copyFile, mkdir, readFile, readdir, rename, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type CacheEntry, cached } from "./cache.ts";
import { contentHash } from "./content-hash.ts";
import { handBack } from "./ownership.ts";
import { run } from "./process.ts";
import { type StepEnd, megabytes, step } from "./progress.ts";
import { cargoTarget, fetchCrates, findRust, runCargo } from "./rust.ts";
import { repository } from "./repository.ts";
import { toolboxCommand } from "./toolbox-enter.ts";
import { toolboxRoot } from "./toolbox.ts";

/** Where the outputs are for everyone: `dist/` of the repository. */
export const dist: string = join(repository, "dist");

const modules = join(repository, "node_modules");

/** Compiles `dist/netloom`: src/main.ts and Bun's runtime in one file, for any x86-64. */
export function buildBinary(): Promise<string> {
  return compile("binary", "netloom", "src/main.ts", (path) => path.startsWith("src/testing/"));
}

/** Compiles `dist/netloom-test`: the same program with the switches that tests need. It never ships. */
export function buildTestBinary(): Promise<string> {
  return compile("test-binary", "netloom-test", "src/testing/main.ts", () => false);
}

async function compile(
  name: string,
  file: string,
  entry: string,
  isForeign: (path: string) => boolean,
): Promise<string> {
  const hash = await contentHash({
    root: repository,
    paths: ["src", "package.json", "package-lock.json", "tsconfig.json", "scripts/lib/build.ts"],
    values: [],
    skip: (path) => path.endsWith(".test.ts") || isForeign(path),
  });
  return output(name, file, hash, async (dir, log) => {
    // The bundle has the directories of some packages in it: at a fixed place they are the same wherever this is built.
    const source = "/netloom";
    const bun = [
      ...[join(source, "node_modules/@oven/bun-linux-x64-baseline/bin/bun"), "build"],
      // Bytecode starts in a third of the time. Names stay, and the map keeps file and line in every stack trace.
      ...["--compile", "--bytecode", "--format=esm", "--minify-syntax", "--minify-whitespace", "--sourcemap=linked"],
      // Else the binary runs what a .env or bunfig.toml in the working directory of root says.
      ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"],
      ...["--outfile", join(dir, file), entry],
    ];
    const binds = [{ from: repository, to: source, readOnly: true }];
    await run(await toolboxCommand(bun, { binds, cwd: source }), { log });
    await handBack(dir);
  });
}

/** Compiles `dist/netloom.node` in the toolbox, so that its glibc is the image's. */
export async function buildAddon(): Promise<string> {
  const rust = await findRust();
  const hash = await contentHash({
    root: repository,
    paths: ["native", "Cargo.toml", "Cargo.lock", "package-lock.json", "scripts/lib/build.ts", "scripts/lib/rust.ts"],
    values: [rust.version, basename(await toolboxRoot())],
    skip: (path) => path.endsWith(".md"),
  });
  return output("addon", "netloom.node", hash, async (dir, log, note) => {
    await fetchCrates(rust, log, note);
    const napi = [join(modules, "@napi-rs/cli/dist/cli.js"), "build", "--release", "--no-js"];
    const where = [
      "--manifest-path",
      "native/binding/Cargo.toml",
      "--output-dir",
      dir,
      "--target-dir",
      cargoTarget("addon"),
    ];
    const argv = ["node", ...napi, ...where, "--", "--offline", "--locked"];
    await runCargo(rust, argv, { purpose: "addon", log, onLine: note });
    await handBack(dir);
    // Named by napi's configuration in package.json; here it has the one name of the contract.
    const built = (await readdir(dir)).find((name) => name.endsWith(".node"));
    if (built === undefined) throw new Error(`napi built no .node file, see ${log}`);
    await rename(join(dir, built), join(dir, "netloom.node"));
  });
}

/** Compiles `dist/netloom-agent`: static, so that it runs in any guest. */
export async function buildAgent(): Promise<string> {
  const rust = await findRust();
  const hash = await contentHash({
    root: repository,
    paths: ["vm-tests/agent", "Cargo.toml", "Cargo.lock", "scripts/lib/build.ts", "scripts/lib/rust.ts"],
    values: [rust.version, basename(await toolboxRoot())],
    skip: (path) => path.endsWith(".md"),
  });
  return output("agent", "netloom-agent", hash, async (dir, log, note) => {
    await fetchCrates(rust, log, note);
    // An explicit target keeps RUSTFLAGS away from build scripts, which cannot be static.
    const triple = "x86_64-unknown-linux-gnu";
    const argv = ["cargo", "build", "--release", "--offline", "--locked", "-p", "netloom-agent", "--target", triple];
    const env = { RUSTFLAGS: "-C target-feature=+crt-static -C relocation-model=static" };
    await runCargo(rust, argv, { purpose: "agent", env, log, onLine: note });
    await copyFile(join(cargoTarget("agent"), triple, "release/netloom-agent"), join(dir, "netloom-agent"));
  });
}

/** One file that is cached by the hash of its inputs and then put into dist/. Returns its path there. */
async function output(
  name: string,
  file: string,
  hash: string,
  make: (dir: string, log: string, note: (line: string) => void) => Promise<void>,
): Promise<string> {
  const path = join(dist, file);
  await step(name, async ({ log, note }): Promise<StepEnd & CacheEntry> => {
    const entry = await cached(name, hash, (dir) => make(dir, log, note));
    await place(join(entry.dir, file), path);
    return { ...entry, detail: `dist/${file} ${megabytes((await stat(path)).size)}` };
  });
  return path;
}

/** Copies a file under a temporary name and renames it: a program that runs from the old one goes on. */
async function place(from: string, to: string): Promise<void> {
  const [source, target] = await Promise.all([stat(from), stat(to).catch(() => undefined)]);
  if (target?.size === source.size && (await readFile(from)).equals(await readFile(to))) return;
  await mkdir(dist, { recursive: true });
  const temporary = `${to}.${process.pid}`;
  await copyFile(from, temporary, constants.COPYFILE_FICLONE);
  await rename(temporary, to);
}
