import { createWriteStream } from "node:fs";
import { copyFile, link, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { cached } from "./cache.ts";
import { contentHash } from "./content-hash.ts";
import { type CpioEntry, cpioArchive, cpioModes } from "./cpio.ts";
import { dist } from "./build.ts";
import { ensureBase } from "./image-base.ts";
import { loadOrder, parseModulesDep } from "./kernel-modules.ts";
import { removeTree } from "./ownership.ts";
import { run } from "./process.ts";
import { megabytes, step } from "./progress.ts";
import { repository } from "./repository.ts";
import { toolboxCommand } from "./toolbox-enter.ts";
import { buildZinit, zinitServer } from "./zinit.ts";

/** What a machine boots. `cmdline` is what every boot of it should have; a caller adds its own words. */
export type Image = {
  readonly dir: string;
  /** Uncompressed, for a virtual machine; `vmlinuz` beside it is the same for firmware and boot loaders. */
  readonly vmlinux: string;
  readonly initrd: string;
  readonly cmdline: string;
  readonly hash: string;
};

/**
 * Flags that every boot wants. A node that panics starts again; a log line on a serial console takes a millisecond per
 * ten characters; self-tests of cryptography and preparations for tracing take half a second when emulated; the
 * initramfs must not be limited to half of the memory.
 */
const cmdline = [
  ...["panic=10", "quiet", "loglevel=4", "rootfstype=ramfs", "random.trust_cpu=on", "cryptomgr.notests=1"],
  "initcall_blacklist=jent_mod_init,trace_eval_init,init_kprobe_trace",
].join(" ");

/** Puts dist/netloom, dist/netloom.node and dist/zinit-server into the base and makes the files to boot; cached like all else. */
export async function ensureImage(): Promise<Image> {
  await buildZinit();
  const base = await ensureBase();
  const built = await buildTime();
  const hash = await contentHash({
    root: repository,
    paths: [
      "dist/netloom",
      "dist/netloom.node",
      "dist/zinit-server",
      "image/initramfs",
      "scripts/lib/image.ts",
      "scripts/lib/cpio.ts",
    ],
    values: [basename(base), String(built)],
  });
  const { dir } = await step("image", async ({ log }) => {
    const entry = await cached("image", hash, (place) => assemble(place, base, built, log));
    const initrd = (await stat(join(entry.dir, "initrd"))).size;
    const root = Number(await readFile(join(entry.dir, "root.bytes"), "utf8"));
    return { ...entry, detail: `root ${megabytes(root)}, initramfs ${megabytes(initrd)}` };
  });
  return { dir, hash, vmlinux: join(dir, "vmlinux"), initrd: join(dir, "initrd"), cmdline };
}

async function assemble(dir: string, base: string, built: number, log: string): Promise<void> {
  const app = join(dir, "app");
  const install = ["install", "-D", "-o", "root", "-g", "root", "-m", "0755", "-t", app];
  await run(await toolboxCommand([...install, join(dist, "netloom"), join(dist, "netloom.node"), zinitServer]));
  const erofs = join(dir, "root.erofs");
  // The program appears in its place by a mount: the base is not copied.
  const binds = [
    { from: join(base, "root"), to: "/stage", readOnly: true },
    { from: app, to: "/stage/usr/lib/netloom", readOnly: true },
  ];
  const make = [
    "mkfs.erofs",
    "--quiet",
    "-zlz4hc,9",
    "-C32768",
    `-T${built}`,
    "-Ufeedc0de-6e65-746c-6f6f-6d0000000001",
  ];
  await run(await toolboxCommand([...make, erofs, "/stage"], { binds }), { log });
  await pipeline(
    Readable.from(cpioArchive(await initramfs(base, erofs, built))),
    createWriteStream(join(dir, "initrd")),
  );
  await initramfsParts(base, join(dir, "parts"));
  for (const name of ["vmlinux", "vmlinuz"]) await link(join(base, name), join(dir, name));
  await writeFile(join(dir, "cmdline"), `${cmdline}\n`);
  await writeFile(join(dir, "root.bytes"), `${(await stat(erofs)).size}\n`);
  // The initramfs has it, and a cache of many images is large enough.
  for (const path of [app, erofs]) await removeTree(path);
}

/** For an initramfs of somebody's own with this kernel: a static busybox, and the driver of its NICs in the order to load it. */
async function initramfsParts(base: string, parts: string): Promise<void> {
  const libraries = join(base, "root/usr/lib/modules");
  const [release = ""] = await readdir(libraries);
  const modules = join(libraries, release);
  const order = loadOrder(parseModulesDep(await readFile(join(modules, "modules.dep"), "utf8")), ["virtio_net"]);
  await mkdir(parts);
  await copyFile(join(base, "root/usr/bin/busybox"), join(parts, "busybox"));
  for (const path of order) await copyFile(join(modules, path), join(parts, basename(path)));
  await writeFile(join(parts, "modules"), order.map((path) => `${basename(path)}\n`).join(""));
}

/** What image/initramfs/init calls. */
const applets = ["cat", "cp", "date", "insmod", "mkdir", "mount", "reboot", "sh", "sleep", "switch_root"];

async function initramfs(base: string, erofs: string, built: number): Promise<CpioEntry[]> {
  const directories = ["bin", "dev", "proc", "lower", "upper", "root", "modules"];
  const order = await readFile(join(base, "modules/order"), "utf8");
  const modules = order
    .split("\n")
    .filter(Boolean)
    .map((name) => `modules/${name}`);
  const file = async (path: string, from: string, mode: number): Promise<CpioEntry> => ({
    path,
    mode,
    data: await readFile(from),
  });
  return [
    ...directories.map((path) => ({ path, mode: cpioModes.directory })),
    await file("init", join(repository, "image/initramfs/init"), cpioModes.program),
    await file("bin/busybox", join(base, "root/usr/bin/busybox"), cpioModes.program),
    ...applets.map((name) => ({ path: `bin/${name}`, mode: cpioModes.link, data: Buffer.from("busybox") })),
    await file("modules/order", join(base, "modules/order"), cpioModes.file),
    ...(await Promise.all(modules.map((path) => file(path, join(base, path), cpioModes.file)))),
    { path: "built", mode: cpioModes.file, data: Buffer.from(`${built}\n`) },
    await file("root.erofs", erofs, cpioModes.file),
  ];
}

/**
 * Seconds since 1970 below which no node's clock starts: the last commit that touched what is in the image, which is the
 * same for everyone who builds it; without git, the date of the base.
 */
async function buildTime(): Promise<number> {
  const paths = ["src", "native", "image", "package-lock.json", "Cargo.lock"];
  const git = run(["git", "-C", repository, "log", "-1", "--format=%ct", "--", ...paths]).catch(() => "");
  const config = await readFile(join(repository, "image/mkosi.conf"), "utf8");
  const floor = Number(/^SourceDateEpoch=(\d+)$/m.exec(config)?.[1] ?? 0);
  return Math.max(floor, Number((await git).trim()));
}
