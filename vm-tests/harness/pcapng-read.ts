import { readFile } from "node:fs/promises";
import type { Direction } from "./pcapng-write.ts";

/** One captured frame. */
export type CapturedFrame = {
  readonly bytes: Buffer;
  readonly direction: Direction | undefined;
  /** Microseconds since 1970. */
  readonly time: number;
};

/** The frames of a capture that was written by this harness, in order. @throws when the file is no such capture. */
export function* readFrames(file: Buffer): Generator<CapturedFrame> {
  if (file.length < 12 || file.readUInt32LE(0) !== 0x0a0d0d0a || file.readUInt32LE(8) !== 0x1a2b3c4d) {
    throw new Error("not a little-endian pcapng file");
  }
  for (let at = 0; at + 12 <= file.length;) {
    const size = file.readUInt32LE(at + 4);
    // A capture that is still being written may end within a block.
    if (size < 12 || at + size > file.length) return;
    if (file.readUInt32LE(at) === 6) yield packetBlock(file.subarray(at, at + size));
    at += size;
  }
}

function packetBlock(block: Buffer): CapturedFrame {
  const length = block.readUInt32LE(20);
  const options = 28 + ((length + 3) & ~3);
  const hasFlags = options + 8 <= block.length - 4 && block.readUInt16LE(options) === 2;
  const flags = hasFlags ? block.readUInt32LE(options + 4) & 3 : 0;
  return {
    bytes: block.subarray(28, 28 + length),
    direction: flags === 1 ? "to-guest" : flags === 2 ? "from-guest" : undefined,
    time: block.readUInt32LE(12) * 0x1_0000_0000 + block.readUInt32LE(16),
  };
}

/** Reads a whole capture file. */
export async function readCapture(path: string): Promise<readonly CapturedFrame[]> {
  return [...readFrames(await readFile(path))];
}
