/** Magic numbers of a Zstandard frame and of the skippable ones (RFC 8878, 3.1.1 and 3.1.2), little-endian. */
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const CHECKSUM_BYTES = 4;

/** True when bytes begin with a Zstandard frame. */
export function isZstd(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === MAGIC;
}

/**
 * True when bytes are whole frames from their first to their last byte. A decoder may give what it has of a frame that
 * was cut off (Bun's does), and half a configuration must not pass for a whole one.
 */
export function areWholeFrames(bytes: Buffer): boolean {
  let at = 0;
  try {
    while (at < bytes.length) at = frameEnd(bytes, at);
  } catch {
    // Reading past the end.
    return false;
  }
  return at === bytes.length;
}

function frameEnd(bytes: Buffer, start: number): number {
  const magic = bytes.readUInt32LE(start);
  if (magic >>> 4 === SKIPPABLE >>> 4) return start + 8 + bytes.readUInt32LE(start + 4);
  if (magic !== MAGIC) throw new RangeError("no frame");
  const descriptor = bytes.readUInt8(start + 4);
  const single = (descriptor & 0x20) !== 0;
  const sizeBytes = CONTENT_SIZE_BYTES[(descriptor >> 6) as 0 | 1 | 2 | 3];
  const header =
    5 +
    (single ? 0 : 1) +
    DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3] +
    (single && sizeBytes === 0 ? 1 : sizeBytes);
  const end = blocksEnd(bytes, start + header);
  return (descriptor & 4) === 0 ? end : end + CHECKSUM_BYTES;
}

/** Behind the last block: each begins with 3 bytes that hold "last", its type and its size (RFC 8878, 3.1.1.2). */
function blocksEnd(bytes: Buffer, start: number): number {
  for (let at = start; ;) {
    const head = bytes.readUIntLE(at, 3);
    const repeated = ((head >> 1) & 3) === 1;
    at += 3 + (repeated ? 1 : head >> 3);
    if ((head & 1) === 1) return at;
  }
}
