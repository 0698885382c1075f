import { createHash } from "node:crypto";

const WINDOWS = 11;

/**
 * The MAC that Zero-OS derives from a text, the same one for the same text (COMPAT.md 3.1): that of the public side of node
 * `ID` is `zosMac("ID-public")`. Six bytes of the text's MD5, as the first window of them that is a valid address, made locally
 * administered and unicast; without any, of the MD5 of what the windows left.
 */
export function zosMac(text: string | Uint8Array): string {
  for (let input = text; ;) {
    const digest = createHash("md5").update(input).digest();
    for (let at = 0; at < WINDOWS; at += 1) {
      // The bit is written back: the next windows see it.
      digest[at] = ((digest[at] ?? 0) | 0x02) & 0xfe;
      const window = digest.subarray(at, at + 6);
      if (isValid(window)) return [...window].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    }
    input = digest;
  }
}

/** Odd, and needed for equal addresses: upstream compares the last three bytes with the limits of its ranges. */
function isValid(mac: Uint8Array): boolean {
  const number = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const [head, tail] = [number(mac.subarray(0, 3)), number(mac.subarray(3))];
  const first = head >>> 8;
  if (tail <= 0x00_51_ff) return first >= 0x0003;
  if (tail <= 0x90_00_ff) return first >= 0x0054 && first !== 0x3333;
  return number(mac) <= 0xff_ff_ff_ff_ff_fe && first >= 0x9002;
}
