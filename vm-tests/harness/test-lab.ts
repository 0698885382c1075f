import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";
import { proveAccelerator } from "./accel.ts";
import type { LabImage, LabOptions } from "./lab.ts";

/**
 * What a scenario starts its lab with: the image in the directory that `NETLOOM_IMAGE` names, the agent in dist/, the accelerator
 * proven on this host, and an empty directory for artifacts under `root`. @throws when no image is named.
 */
export async function labOptions(name: string, root: string = join(repository, "dist/labs")): Promise<LabOptions> {
  const image = await findImage();
  const agent = join(repository, "dist/netloom-agent");
  const artifacts = join(root, name);
  await rm(artifacts, { recursive: true, force: true });
  return { image, agent, artifacts, accel: await proveAccelerator({ kernel: image.vmlinux, agent }) };
}

async function findImage(): Promise<LabImage> {
  const directory = process.env["NETLOOM_IMAGE"];
  if (directory === undefined) {
    throw new Error(
      "NETLOOM_IMAGE names no image: run `npm test`, or set it to the directory that `npm run image` prints",
    );
  }
  const cmdline = (await readFile(join(directory, "cmdline"), "utf8")).trim();
  const file = (name: string): string => join(directory, name);
  return { vmlinux: file("vmlinux"), vmlinuz: file("vmlinuz"), initrd: file("initrd"), parts: file("parts"), cmdline };
}
