/** Which way a frame went, seen from the guest (epb_flags bits 0-1). */
export type Direction = "to-guest" | "from-guest";

const blockOf = { section: 0x0a0d0d0a, interface: 1, packet: 6 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const ethernet = 1;
const packetOverhead = 44;

/**
 * The blocks that begin a capture of one interface (draft-ietf-opsawg-pcapng sections 4.1, 4.2). Time stamps are microseconds,
 * the default resolution; numbers are in this machine's byte order, which the section header tells.
 */
export function captureHeader(interfaceName: string): Buffer {
  const name = Buffer.from(interfaceName);
  const padded = align(name.length);
  const length = 28 + 20 + 4 + padded + 4;
  const bytes = Buffer.alloc(length);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4);
  // Version 1.0, length of the section not known in advance (-1).
  words.set([blockOf.section, 28, byteOrderMagic, 1, 0xffff_ffff, 0xffff_ffff, 28], 0);
  const size = length - 28;
  // Snap length 0: none. Option 2 is if_name; option 0 ends the options.
  words.set([blockOf.interface, size, ethernet, 0, 2 | (name.length << 16)], 7);
  name.copy(bytes, 48);
  words[length / 4 - 1] = size;
  return bytes;
}

/** Bytes that a frame of this length takes in the file. */
export function packetBlockSize(frameLength: number): number {
  return packetOverhead + align(frameLength);
}

/** Writes an enhanced packet block (section 4.3) at `at`, a multiple of 4 with room enough. Time is in microseconds since 1970. */
export function writePacketBlock(
  target: { readonly bytes: Uint8Array; readonly words: Uint32Array },
  at: number,
  frame: { readonly buffer: Buffer; readonly start: number; readonly end: number },
  direction: Direction,
  time: number,
): void {
  const length = frame.end - frame.start;
  const size = packetBlockSize(length);
  const { bytes, words } = target;
  let word = at / 4;
  words[word++] = blockOf.packet;
  words[word++] = size;
  words[word++] = 0;
  words[word++] = Math.floor(time / 0x1_0000_0000);
  words[word++] = time >>> 0;
  words[word++] = length;
  words[word++] = length;
  words[at / 4 + size / 4 - 5] = 0;
  frame.buffer.copy(bytes, at + 28, frame.start, frame.end);
  // The last data word is zeroed above first, since the padding shall be zero.
  word = (at + 28 + align(length)) / 4;
  words[word++] = 2 | (4 << 16);
  words[word++] = direction === "to-guest" ? 1 : 2;
  words[word++] = 0;
  words[word] = size;
}

function align(length: number): number {
  return (length + 3) & ~3;
}
