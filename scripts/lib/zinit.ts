import { access, copyFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { dist } from "./build.ts";
import { cached } from "./cache.ts";
import { contentHash } from "./content-hash.ts";
import { handBack } from "./ownership.ts";
import { run } from "./process.ts";
import { type StepContext, megabytes, step } from "./progress.ts";
import { repository } from "./repository.ts";
import { findRust, type Rust, runCargo } from "./rust.ts";
import { toolboxCommand } from "./toolbox-enter.ts";
import { toolboxRoot } from "./toolbox.ts";

/** The release that is spoken to, tested against and in the image: src/host/supervisor/zinit.ts names what of it can be used. */
const version = "0.3.9";

/** Where the server is for the tests in network namespaces. */
export const zinitServer: string = join(dist, "zinit-server");

/** What of the crate is built: the server alone, without its command line, its scripting and its PID 1. */
const features = ["--no-default-features", "--features", "server"];

/**
 * Builds the real `zinit-server` from its crate, with the versions that its authors locked, in the toolbox, so that its glibc is
 * the image's. Whoever starts it gives it directories of its own and never `--pid1-mode`, in which it partitions disks.
 */
export async function buildZinit(): Promise<string> {
  const rust = await findRust();
  const hash = await contentHash({
    root: repository,
    paths: ["scripts/lib/zinit.ts", "scripts/lib/rust.ts"],
    values: [version, rust.version, basename(await toolboxRoot())],
  });
  await step("zinit", async (context) => {
    const entry = await cached("zinit", hash, (dir) => make(dir, rust, context));
    const built = join(entry.dir, "zinit-server");
    const size = (await stat(built)).size;
    // The same name is the same content, but for a raised version.
    if ((await stat(zinitServer).catch(() => undefined))?.size !== size) {
      await mkdir(dist, { recursive: true });
      await copyFile(built, zinitServer);
    }
    return { ...entry, detail: `dist/zinit-server ${megabytes(size)}` };
  });
  return zinitServer;
}

async function make(dir: string, rust: Rust, { log, note }: StepContext): Promise<void> {
  await fetchLocked(dir, rust, log, note);
  const root = join(dir, "made");
  const where = ["--root", root, "--offline", "--locked", "--no-track"];
  const argv = ["cargo", "install", ...where, ...features, "zinit", "--version", version];
  await runCargo(rust, argv, { purpose: "zinit", log, onLine: note });
  // Symbols would be half of it.
  await run(await toolboxCommand(["strip", "-o", join(dir, "zinit-server"), join(root, "bin/zinit-server")]), { log });
  await handBack(dir);
}

/**
 * Downloads the crate and what its own lock file names on the host, where the network and the user's cargo settings are. cargo has
 * no word for that: a package that needs the crate brings its source, and the lock file in there the rest.
 */
async function fetchLocked(dir: string, rust: Rust, log: string, onLine: (line: string) => void): Promise<void> {
  const probe = join(dir, "probe");
  await mkdir(probe);
  const dependency = `zinit = { version = "=${version}", default-features = false }`;
  await writeFile(
    join(probe, "Cargo.toml"),
    `[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n[lib]\npath = "lib.rs"\n[dependencies]\n${dependency}\n`,
  );
  await writeFile(join(probe, "lib.rs"), "");
  const fetch = [rust.cargo, "fetch", "--target", "x86_64-unknown-linux-gnu"];
  await run([...fetch], { cwd: probe, log, onLine });
  await run([...fetch, "--locked"], { cwd: await sourceOf(`zinit-${version}`), log, onLine });
}

/** Where cargo unpacked a crate; the directory above has a name that depends on the registry. */
async function sourceOf(crate: string): Promise<string> {
  const sources = join(process.env["CARGO_HOME"] ?? join(homedir(), ".cargo"), "registry/src");
  for (const registry of await readdir(sources)) {
    const path = join(sources, registry, crate);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  throw new Error(`cargo fetched ${crate}, and it is not below ${sources}`);
}
