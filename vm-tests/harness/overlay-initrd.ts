import { createHash } from "node:crypto";
import { appendFile, copyFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "../../scripts/lib/cache.ts";
import { fingerprint } from "../../scripts/lib/fingerprint.ts";
import { type CpioEntry, cpioArchive, cpioModes } from "../../scripts/lib/cpio.ts";

/** Started by the guest's supervisor like any service of the image, in a cgroup of its own. */
const agentService = `#!/bin/sh
exec 2>&1
exec /usr/libexec/netloom/in-cgroup agent \\
    env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 /usr/lib/netloom-agent
`;

/** Runs before the node has a name or a service: see image/mkosi.extra/usr/libexec/netloom/boot. */
const early = `#!/bin/sh
exec /usr/lib/netloom-agent early
`;

/** A file laid over the root of the image, by its absolute path in there. */
export type GuestFile = { readonly path: string; readonly content: Uint8Array; readonly executable: boolean };

/** The agent alone, for a guest that starts it by means of its own. */
export async function agentFile(agent: string): Promise<GuestFile> {
  return { path: "/usr/lib/netloom-agent", content: await readFile(agent), executable: true };
}

/** The agent and its service, as the image takes them. */
export async function agentFiles(agent: string): Promise<readonly GuestFile[]> {
  return [
    await agentFile(agent),
    { path: "/etc/netloom/early", content: Buffer.from(early), executable: true },
    { path: "/etc/netloom/services/agent/run", content: Buffer.from(agentService), executable: true },
  ];
}

/**
 * An initramfs (none, when absent) with files under /extra behind it, which the image lays over its root. Kept by content, so a second
 * lab finds it made. The kernel unpacks archives one after the other, each at a multiple of 4 bytes (init/initramfs.c).
 */
export async function overlayInitrd(initrd: string | undefined, files: readonly GuestFile[]): Promise<string> {
  const archive = Buffer.concat([...cpioArchive(extraEntries(files))]);
  const hash = createHash("sha256").update(archive);
  if (initrd !== undefined) hash.update(await fingerprint(initrd));
  const entry = await cached("lab-initrd", hash.digest("hex").slice(0, 16), async (directory) => {
    const target = join(directory, "initrd");
    if (initrd !== undefined) await copyFile(initrd, target);
    const size = initrd === undefined ? 0 : (await stat(initrd)).size;
    await appendFile(target, Buffer.concat([Buffer.alloc(-size & 511), archive]));
  });
  return join(entry.dir, "initrd");
}

/** Cpio entries of files under /extra, each directory once and before what is in it. */
export function extraEntries(files: readonly GuestFile[]): readonly CpioEntry[] {
  const directories = new Set<string>();
  for (const { path } of files) {
    const parts = `extra${path}`.split("/").slice(0, -1);
    for (const [index] of parts.entries()) directories.add(parts.slice(0, index + 1).join("/"));
  }
  return [
    ...[...directories].map((path) => ({ path, mode: cpioModes.directory })),
    ...files.map(({ path, content, executable }) => ({
      path: `extra${path}`,
      mode: executable ? cpioModes.program : cpioModes.file,
      data: content,
    })),
  ];
}
