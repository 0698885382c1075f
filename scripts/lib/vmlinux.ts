import { zstdDecompressSync } from "node:zlib";

/**
 * The uncompressed ELF kernel inside a bzImage, which QEMU and Firecracker start by PVH without the decompressor
 * of the guest. Layout: Documentation/arch/x86/boot.rst, "payload_offset" and "payload_length" (protocol 2.08).
 * @throws when this is no bzImage, or its payload is not zstd.
 */
export function extractVmlinux(image: Buffer): Buffer {
  if (image.toString("latin1", 0x202, 0x206) !== "HdrS") throw new Error("not a Linux bzImage: no HdrS at 0x202");
  const version = image.readUInt16LE(0x206);
  if (version < 0x0208) throw new Error(`boot protocol ${version.toString(16)} has no payload offset, 2.08 is needed`);
  // Zero means 4, for boot loaders older than the field.
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  const length = image.readUInt32LE(0x24c);
  const payload = image.subarray(start, start + length);
  if (payload.length !== length || length < 8) throw new Error("the bzImage is cut short");
  if (payload.readUInt32LE(0) !== 0xfd2fb528) throw new Error("the kernel is not compressed with zstd");
  // The build appends the uncompressed size to every payload (scripts/Makefile.lib, size_append).
  const size = payload.readUInt32LE(length - 4);
  const kernel = zstdDecompressSync(payload.subarray(0, length - 4));
  if (kernel.length !== size || kernel.toString("latin1", 1, 4) !== "ELF") {
    throw new Error(`the kernel unpacks to ${kernel.length} bytes, its header says ${size}`);
  }
  return kernel;
}
