import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CpioEntry, cpioArchive, cpioModes } from "../../scripts/lib/cpio.ts";

/** What an initramfs of one's own is made of, beside the parts of the image. */
export type InitramfsOptions = {
  /** `parts` of the image: a static busybox, and the driver of the NICs for its kernel. */
  readonly parts: string;
  /** Shell script that is process 1. Behind `prelude` it has all of busybox, /proc, /sys, /dev and its NICs. */
  readonly init: string;
  /** More programs by their absolute path in the guest. */
  readonly programs?: Readonly<Record<string, Uint8Array>>;
};

/** Begins every init: what a program expects of a running system. */
const prelude = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/modules
`;

/** Writes an initramfs for the kernel of the image: busybox, its NIC driver, an init script and programs. Returns its path. */
export async function writeInitramfs(file: string, { parts, init, programs = {} }: InitramfsOptions): Promise<string> {
  const part = async (name: string): Promise<Buffer> => readFile(join(parts, name));
  const order = await part("modules");
  const modules = order.toString().split("\n").filter(Boolean);
  const directories = new Set(["bin", "proc", "sys", "dev", "modules"]);
  for (const path of Object.keys(programs)) {
    const names = path.split("/").slice(1, -1);
    for (const index of names.keys()) directories.add(names.slice(0, index + 1).join("/"));
  }
  const entries: readonly CpioEntry[] = [
    ...[...directories].map((path) => ({ path, mode: cpioModes.directory })),
    { path: "init", mode: cpioModes.program, data: Buffer.from(prelude + init) },
    { path: "bin/busybox", mode: cpioModes.program, data: await part("busybox") },
    { path: "modules/modules", mode: cpioModes.file, data: order },
    ...(await Promise.all(
      modules.map(async (name) => ({ path: `modules/${name}`, mode: cpioModes.file, data: await part(name) })),
    )),
    ...Object.entries(programs).map(([path, data]) => ({ path: path.slice(1), mode: cpioModes.program, data })),
  ];
  await writeFile(file, Buffer.concat([...cpioArchive(entries)]));
  return file;
}
