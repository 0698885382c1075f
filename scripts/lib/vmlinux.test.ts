import { zstdCompressSync } from "node:zlib";
import test from "ava";
import { extractVmlinux } from "./vmlinux.ts";

/** A bzImage with as many setup sectors as told and an ELF of `size` bytes. */
function bzImage(size: number, setupSectors = 4): { readonly image: Buffer; readonly kernel: Buffer } {
  const kernel = Buffer.alloc(size, "netloom ");
  kernel.write("\x7fELF", 0, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  const payload = Buffer.concat([zstdCompressSync(kernel), length]);
  const start = ((setupSectors || 4) + 1) * 512;
  const image = Buffer.alloc(start + 0x40 + payload.length + 100, 0xcc);
  image.writeUInt8(setupSectors, 0x1f1);
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt16LE(0x020f, 0x206);
  image.writeUInt32LE(0x40, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  payload.copy(image, start + 0x40);
  return { image, kernel };
}

test("the kernel is found behind the setup code, whose size may be given as 0 for 4", (t) => {
  for (const sectors of [0, 4, 39]) {
    const { image, kernel } = bzImage(100_000, sectors);
    t.true(extractVmlinux(image).equals(kernel));
  }
});

test("what is no such kernel is refused with the reason", (t) => {
  const { image } = bzImage(5000);
  t.throws(() => extractVmlinux(Buffer.alloc(4096)), { message: /no HdrS/ });
  t.throws(() => extractVmlinux(image.subarray(0, 2640)), { message: /cut short/ });
  const old = Buffer.from(image);
  old.writeUInt16LE(0x0207, 0x206);
  t.throws(() => extractVmlinux(old), { message: /2\.08/ });
  const gzip = Buffer.from(image);
  gzip.writeUInt32LE(0x00088b1f, 5 * 512 + 0x40);
  t.throws(() => extractVmlinux(gzip), { message: /zstd/ });
});
