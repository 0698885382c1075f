import test from "ava";
import { FrameDecoder, encodeFrame, headerSize, maxFrame } from "./frame-codec.ts";

function decode(chunks: readonly Buffer[]): string[] {
  const decoder = new FrameDecoder();
  const frames: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk, (buffer, start, end) => frames.push(buffer.toString("latin1", start + headerSize, end)));
  }
  return frames;
}

const frames = ["a", "second frame", "x".repeat(1514), "last"];
const stream = Buffer.concat(frames.map((frame) => encodeFrame(Buffer.from(frame))));

test("finds all frames of one chunk", (t) => {
  t.deepEqual(decode([stream]), frames);
});

test("finds the same frames however the stream is torn", (t) => {
  for (const size of [1, 2, 3, 5, 7, 64, 1517]) {
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
      stream.subarray(index * size, (index + 1) * size),
    );
    t.deepEqual(decode(chunks), frames, `chunks of ${size}`);
  }
});

test("hands out whole chunks without copying", (t) => {
  new FrameDecoder().push(stream, (buffer) => t.is(buffer, stream));
});

test("refuses lengths that QEMU never sends", (t) => {
  for (const length of [0, maxFrame + 1, 0xffff_ffff]) {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32BE(length, 0);
    t.throws(() => decode([bytes]), { message: /out of step/ });
    t.throws(() => decode([bytes.subarray(0, 2), bytes.subarray(2)]), { message: /out of step/ });
  }
});
