import { randomBytes } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import test from "ava";
import { areWholeFrames, isZstd } from "./zstd-frame.ts";

const texts = ["", "a", "apiVersion: netloom/v1\n".repeat(3), "x".repeat(70_000), randomBytes(300_000).toString("hex")];
const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

test("what a compressor makes is whole, with and without a checksum, and two frames in a row are", (t) => {
  for (const text of texts) {
    t.true(areWholeFrames(zstdCompressSync(text)), `${text.length} bytes`);
    t.true(areWholeFrames(zstdCompressSync(text, checksum)), `${text.length} bytes`);
    t.true(areWholeFrames(Buffer.concat([zstdCompressSync(text), zstdCompressSync("more", checksum)])));
  }
});

test("what was cut off anywhere is not whole, nor is what has something behind it", (t) => {
  for (const text of texts) {
    const whole = zstdCompressSync(text, checksum);
    const step = Math.max(1, Math.floor(whole.length / 200));
    for (let length = 1; length < whole.length; length += step) t.false(areWholeFrames(whole.subarray(0, length)));
    t.false(areWholeFrames(whole.subarray(0, -1)));
    t.false(areWholeFrames(Buffer.concat([whole, Buffer.from([0])])));
  }
});

test("text is no frame", (t) => {
  t.false(isZstd(Buffer.from("apiVersion: netloom/v1\n")));
  t.false(isZstd(Buffer.from("")));
  t.true(isZstd(zstdCompressSync("")));
});
