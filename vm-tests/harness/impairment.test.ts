import test from "ava";
import fc from "fast-check";
import { type Fate, type Impairment, impairmentModel, impairmentOf, perfect, seededRandom } from "./impairment.ts";
import type { LinkProperties } from "./link-properties.ts";

/** The fates of frames that enter one every `gapUs`. */
function fates(properties: LinkProperties, count: number, { seed = "1", gapUs = 1000, length = 1000 } = {}): Fate[] {
  const model = impairmentModel(impairmentOf(properties) ?? perfect, seededRandom(seed));
  return Array.from({ length: count }, (_, index) => model(length, index * gapUs));
}

function arrivals(all: readonly Fate[]): (number | undefined)[] {
  return all.map((fate) => (fate.end === "arrives" ? fate.due[0] : undefined));
}

function share(all: readonly Fate[], is: (fate: Fate) => boolean): number {
  return all.filter(is).length / all.length;
}

test("reads properties as numbers, and none where nothing happens to a frame", (t) => {
  t.is(impairmentOf({}), undefined);
  t.is(impairmentOf({ carrier: "down", loss: "0%", blackhole: false, delay: "0ms" }), undefined);
  t.deepEqual(impairmentOf({ loss: "5%", delay: "50ms", jitter: "250us", rate: "10mbit" }), {
    ...perfect,
    loss: 0.05,
    delayUs: 50_000,
    jitterUs: 250,
    rate: 10_000_000,
  });
});

const anyImpairment: fc.Arbitrary<Impairment> = fc.record({
  blackhole: fc.boolean(),
  loss: fc.double({ min: 0, max: 1, noNaN: true }),
  corrupt: fc.double({ min: 0, max: 1, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 1, noNaN: true }),
  reorder: fc.double({ min: 0, max: 1, noNaN: true }),
  delayUs: fc.integer({ min: 0, max: 100_000 }),
  jitterUs: fc.constant(0),
  rate: fc.constantFrom(0, 64_000, 10_000_000),
});
const anyFrames = fc.array(fc.record({ length: fc.integer({ min: 14, max: 1514 }), gap: fc.nat(5000) }), {
  maxLength: 200,
});

test("replays: same seed and same frames at the same times have the same fates; another seed has others", (t) => {
  fc.assert(
    fc.property(anyImpairment, anyFrames, fc.string(), (impairment, frames, seed) => {
      const run = (): Fate[] => {
        const model = impairmentModel(impairment, seededRandom(seed));
        let now = 0;
        return frames.map(({ length, gap }) => model(length, (now += gap)));
      };
      t.deepEqual(run(), run());
    }),
  );
  const lossy: LinkProperties = { loss: "50%" };
  t.notDeepEqual(fates(lossy, 100, { seed: "1" }), fates(lossy, 100, { seed: "2" }));
});

test("shares come out as asked for", (t) => {
  t.true(Math.abs(share(fates({ loss: "30%" }, 10_000), ({ end }) => end === "lost") - 0.3) < 0.02);
  t.is(
    share(fates({ loss: "100%" }, 1000), ({ end }) => end === "lost"),
    1,
  );
  t.is(
    share(fates({ blackhole: true }, 1000), ({ end }) => end === "blackholed"),
    1,
  );
  const twice = share(fates({ duplicate: "10%" }, 10_000), (fate) => fate.end === "arrives" && fate.due.length === 2);
  t.true(Math.abs(twice - 0.1) < 0.02);
  const wrong = share(fates({ corrupt: "20%" }, 10_000), (fate) => fate.end === "arrives" && fate.flip !== undefined);
  t.true(Math.abs(wrong - 0.2) < 0.02);
});

test("the same frames are lost whatever else is set", (t) => {
  const lost = (properties: LinkProperties): boolean[] => fates(properties, 500).map(({ end }) => end === "lost");
  const alone = lost({ loss: "20%" });
  t.deepEqual(lost({ loss: "20%", delay: "10ms", jitter: "5ms", reorder: "10%", duplicate: "5%" }), alone);
});

test("a flipped bit is behind the Ethernet header and within the frame, and any of them can be it", (t) => {
  const bits = fates({ corrupt: "100%" }, 5000, { length: 20 }).map((fate) =>
    fate.end === "arrives" ? fate.flip : undefined,
  );
  const seen = [...new Set(bits)].toSorted((a = 0, b = 0) => a - b);
  t.deepEqual(
    seen,
    Array.from({ length: 48 }, (_, index) => 14 * 8 + index),
  );
  t.true(
    fates({ corrupt: "100%" }, 10, { length: 14 }).every((fate) => fate.end === "arrives" && fate.flip === undefined),
  );
});

test("delay is exact; jitter stays within its bounds, is spread, and keeps the order", (t) => {
  t.deepEqual(arrivals(fates({ delay: "50ms" }, 3)), [50_000, 51_000, 52_000]);
  // Far apart, no frame has to wait for the one before it.
  const apart = arrivals(fates({ delay: "50ms", jitter: "10ms" }, 1000, { gapUs: 100_000 }));
  const took = apart.map((due, index) => (due ?? Number.NaN) - index * 100_000);
  t.true(took.every((each) => each >= 40_000 && each <= 60_000));
  t.true(Math.min(...took) < 41_000 && Math.max(...took) > 59_000);
  const close = fates({ delay: "50ms", jitter: "10ms" }, 1000, { gapUs: 10 });
  const dues = arrivals(close).map((due) => due ?? Number.NaN);
  t.deepEqual(
    dues,
    dues.toSorted((a, b) => a - b),
  );
  t.is(
    share(close, (fate) => fate.end === "arrives" && fate.overtaking > 0),
    0,
  );
});

test("reorder lets that share overtake, and says of each whether it did", (t) => {
  const all = fates({ delay: "50ms", reorder: "25%" }, 4000);
  const early = share(all, (fate) => fate.end === "arrives" && fate.overtaking === 1);
  t.true(Math.abs(early - 0.25) < 0.03);
  // A frame that has nobody before it overtakes nobody.
  t.is(
    share(
      fates({ delay: "5ms", reorder: "25%" }, 100, { gapUs: 10_000 }),
      (f) => f.end === "arrives" && f.overtaking > 0,
    ),
    0,
  );
});

test("a rate takes the time that the bits take, queues what comes too fast, and drops at the tail of the queue", (t) => {
  // 1000 bytes at 8 Mbit/s are 1 ms.
  t.deepEqual(arrivals(fates({ rate: "8mbit" }, 3, { gapUs: 0 })), [1000, 2000, 3000]);
  t.deepEqual(arrivals(fates({ rate: "8mbit", delay: "5ms" }, 2, { gapUs: 0 })), [6000, 7000]);
  t.deepEqual(arrivals(fates({ rate: "8mbit" }, 2, { gapUs: 10_000 })), [1000, 11_000]);
  // 100 ms at 8 Mbit/s are 100 kB.
  const flood = fates({ rate: "8mbit" }, 1000, { gapUs: 0 });
  t.is(
    share(flood, (fate) => fate.end === "arrives" && fate.queueDropped === 1),
    0.9,
  );
  t.true(flood.slice(0, 100).every((fate) => fate.end === "arrives" && fate.queueDropped === 0));
  // Offered twice of what it can, it carries what it can.
  const doubled = arrivals(fates({ rate: "8mbit" }, 10_000, { gapUs: 500 })).filter((due) => due !== undefined);
  t.true(Math.abs(doubled.length - 5100) <= 2, `${doubled.length}`);
  // However slow the link, a frame alone gets through.
  t.deepEqual(arrivals(fates({ rate: "1kbit" }, 1, { length: 60_000 })), [480_000_000]);
});
