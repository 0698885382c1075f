import { readFile, readdir, writeFile, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { imageMirror, readAptHost } from "./apt-host.ts";
import { type CacheEntry, cached } from "./cache.ts";
import { contentHash } from "./content-hash.ts";
import { cpioArchive, cpioModes } from "./cpio.ts";
import { dependencyClosure, parseStatus } from "./dpkg-closure.ts";
import { cutApplets, cutFiles, cutPackages, imageModules, initramfsModules } from "./image-content.ts";
import { madeDirectories, madeFiles } from "./image-content.ts";
import { loadOrder, parseModulesDep, selectModules } from "./kernel-modules.ts";
import { sourcesFile } from "./mirror.ts";
import { removeTree } from "./ownership.ts";
import { type RunOptions, run } from "./process.ts";
import { type StepContext, step } from "./progress.ts";
import { repository } from "./repository.ts";
import { toolboxCommand } from "./toolbox-enter.ts";
import { suite, toolboxRoot } from "./toolbox.ts";
import { extractVmlinux } from "./vmlinux.ts";

/**
 * The base of the image, cached: `root/` (owned by root, as it will be in the image), the kernel, and `modules/` with a
 * list `order` for the initramfs. It changes with image/ and the packages, not with the program.
 */
export function ensureBase(): Promise<string> {
  base ??= findBase();
  return base;
}

/** Once in a process: several steps ask for it. */
let base: Promise<string> | undefined;

async function findBase(): Promise<string> {
  const files = ["dpkg-closure", "image-base", "image-content", "kernel-modules", "vmlinux"];
  const hash = await contentHash({
    root: repository,
    paths: ["image/mkosi.conf", "image/mkosi.extra", ...files.map((name) => `scripts/lib/${name}.ts`)],
    values: [basename(await toolboxRoot())],
  });
  const entry = await step("image base", async (context): Promise<CacheEntry> => {
    return cached("image-base", hash, (dir) => makeBase(dir, context), 2);
  });
  return entry.dir;
}

type InToolbox = (argv: readonly string[], options?: RunOptions) => Promise<string>;

async function makeBase(dir: string, context: StepContext): Promise<void> {
  const work = join(dir, "work");
  const inToolbox: InToolbox = async (argv, options = {}) => run(await toolboxCommand(argv), options);
  await mkosi(work, context);
  const full = join(work, "out/root");
  const list = await wantedFiles(full);
  await writeFile(join(work, "files"), `${list.join("\n")}\n`);
  const root = join(dir, "root");
  // Twice tar, so that owners, modes and links stay as they are.
  const archive = join(work, "root.tar");
  await inToolbox(["tar", "--create", "--file", archive, "--no-recursion", "-C", full, "-T", join(work, "files")]);
  await inToolbox(["mkdir", "-p", ...madeDirectories.map((name) => join(root, name))]);
  await inToolbox(["tar", "--extract", "--file", archive, "--preserve-permissions", "-C", root]);
  // Some clones have files that their group may write; an image has none.
  await inToolbox(["chmod", "-R", "go-w", join(root, "etc"), join(root, "usr/libexec")]);
  await placeKernel(dir, full, inToolbox);
  await linkApplets(root, inToolbox);
  await removeTree(work);
}

async function mkosi(work: string, context: StepContext): Promise<void> {
  const host = await readAptHost();
  const apt = join(work, "sandbox/etc/apt");
  for (const name of ["sources.list.d", "apt.conf.d"]) await mkdir(join(apt, name), { recursive: true });
  // This very name replaces mkosi's own list, which has Debian's debug archive: many mirrors lack that.
  const mirror = await imageMirror(host, await toolboxRoot());
  await writeFile(join(apt, "sources.list.d/mkosi.sources"), sourcesFile(mirror, suite));
  await writeFile(join(apt, "apt.conf.d/90host"), `${host.options.join("\n")}\n`);
  const places = ["out", "workspace", "cache"];
  for (const name of places) await mkdir(join(work, name));
  const argv = [
    ...["mkosi", "--directory", join(repository, "image"), "--sandbox-tree", join(work, "sandbox")],
    ...["--output-directory", join(work, "out"), "--workspace-directory", join(work, "workspace")],
    ...["--package-cache-directory", join(work, "cache"), "build"],
  ];
  await run(await toolboxCommand(argv, { network: true }), { log: context.log, onLine: context.note });
}

/** Paths of the full tree that go into the image, relative to it, directories before what is in them. */
async function wantedFiles(full: string): Promise<string[]> {
  const info = join(full, "var/lib/dpkg/info");
  const packages = parseStatus(await readFile(join(full, "var/lib/dpkg/status"), "utf8"));
  const wanted = await packagesOf(join(repository, "image/mkosi.conf"));
  const names = await readdir(info);
  const files = new Set<string>(madeFiles);
  for (const name of dependencyClosure(packages, wanted, cutPackages)) {
    const file = names.find((one) => one === `${name}.list` || (one.startsWith(`${name}:`) && one.endsWith(".list")));
    for (const path of (await readFile(join(info, file ?? `${name}.list`), "utf8")).split("\n")) {
      // dpkg still lists some files under the names from before /bin and /lib became links into /usr.
      files.add(path.replace(/^\/\.?/, "").replace(/^(bin|sbin|lib|lib64)(?=\/)/, "usr/$1"));
    }
  }
  const releases = await readdir(join(full, "usr/lib/modules"));
  const modules = await moduleFiles(full, releases);
  const extra = await readdir(join(repository, "image/mkosi.extra"), { recursive: true });
  return [...files, ...extra]
    .filter((path) => path !== "" && !cutFiles.some((cut) => cut.test(path)))
    .filter((path) => !path.startsWith("usr/lib/modules/"))
    .concat(modules)
    .toSorted();
}

/** The kernel's modules that we keep, with its lists of built-in ones, which depmod reads. */
async function moduleFiles(full: string, releases: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const release of releases) {
    const dir = `usr/lib/modules/${release}`;
    const modules = parseModulesDep(await readFile(join(full, dir, "modules.dep"), "utf8"));
    const lists = ["modules.builtin", "modules.builtin.modinfo", "modules.order"];
    files.push(...[...lists, ...selectModules(modules, imageModules)].map((name) => `${dir}/${name}`));
  }
  return files;
}

async function packagesOf(config: string): Promise<string[]> {
  const lines = (await readFile(config, "utf8")).split("\n");
  const start = lines.indexOf("Packages=") + 1;
  const end = lines.findIndex((line, index) => index >= start && !/^\s+\S/.test(line));
  return lines.slice(start, end === -1 ? undefined : end).map((line) => line.trim());
}

async function placeKernel(dir: string, full: string, inToolbox: InToolbox): Promise<void> {
  const [release] = await readdir(join(full, "usr/lib/modules"));
  if (release === undefined) throw new Error("mkosi installed no kernel");
  const modules = join(dir, "root/usr/lib/modules", release);
  // Unpacked, since the file system compresses them again, and without their signatures (which strip drops): checking one
  // takes 40 ms when emulated, a node loads thirty, and nothing asks for them before there is Secure Boot.
  await inToolbox(["find", modules, "-name", "*.xz", "-exec", "xz", "--decompress", "{}", "+"]);
  await inToolbox(["find", modules, "-name", "*.ko", "-exec", "strip", "--strip-debug", "-R", ".BTF", "{}", "+"]);
  await inToolbox(["depmod", "--basedir", join(dir, "root"), release]);
  const order = loadOrder(parseModulesDep(await readFile(join(modules, "modules.dep"), "utf8")), initramfsModules);
  await mkdir(join(dir, "modules"));
  for (const path of order) await writeFile(join(dir, "modules", basename(path)), await readFile(join(modules, path)));
  await writeFile(join(dir, "modules/order"), order.map((path) => `${basename(path)}\n`).join(""));
  const kernel = await readFile(join(full, `boot/vmlinuz-${release}`));
  await writeFile(join(dir, "vmlinuz"), kernel);
  await writeFile(join(dir, "vmlinux"), extractVmlinux(kernel));
}

/** A link to busybox for each applet of which the image has no better program. */
async function linkApplets(root: string, inToolbox: InToolbox): Promise<void> {
  const applets = (await inToolbox([join(root, "usr/bin/busybox"), "--list"])).split("\n").filter(Boolean);
  const present = await Promise.all(["usr/bin", "usr/sbin"].map((name) => readdir(join(root, name))));
  const missing = applets.filter((name) => !present.flat().includes(name) && !cutApplets.has(name));
  const links = missing.map((name) =>
    name === "init" ? ["usr/sbin/init", "../bin/busybox"] : [`usr/bin/${name}`, "busybox"],
  );
  const entries = links.map(([path = "", target = ""]) => ({ path, mode: cpioModes.link, data: Buffer.from(target) }));
  const archive = Buffer.concat([...cpioArchive(entries)]);
  await inToolbox(["cpio", "--extract", "--quiet", "--directory", root], { input: archive.toString("latin1") });
}
