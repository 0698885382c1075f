import { join } from "node:path";
import test from "ava";
import type { LinkProperties } from "./link-properties.ts";
import { readCapture } from "./pcapng-read.ts";
import { Guest, type Wired, address, all, countersWhen, frame, wire } from "./switch-guest.ts";
import type { DirectionCounters } from "./switch-messages.ts";

/** Guests one and two on a network, whose link a1 has these properties. */
async function pair(properties: LinkProperties, seed: number = 1): Promise<Wired & { one: Guest; two: Guest }> {
  await using owned = new AsyncDisposableStack();
  const lab = owned.use(await wire(["a1", "a2"]));
  const one = owned.use(await Guest.plug(lab.path("a1")));
  const two = owned.use(await Guest.plug(lab.path("a2")));
  await lab.network.set("a1", properties, seed);
  const moved = owned.move();
  return { ...lab, one, two, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

function numbered(count: number, from: number = 1): string[] {
  return Array.from({ length: count }, (_, index) => frame(all, address(from), index.toString(16).padStart(120, "0")));
}

function balance(counted: DirectionCounters): number {
  const { offered, duplicated, delivered, inFlight, lost, blackholed, queueDropped, noCarrier, away, congested } =
    counted;
  return offered + duplicated - delivered - inFlight - lost - blackholed - queueDropped - noCarrier - away - congested;
}

test("loss: the switch knows how many, captures show both ends, and the same seed loses the same frames", async (t) => {
  const sent = numbered(1000);
  const survivors = async (seed: number): Promise<string[]> => {
    await using lab = await pair({ loss: "30%" }, seed);
    lab.one.send(...sent);
    const { fromGuest } = await countersWhen(lab, "a1", (counters) => counters.fromGuest.offered === 1000);
    t.true(fromGuest.lost > 200 && fromGuest.lost < 400, `${fromGuest.lost}`);
    t.is(fromGuest.lost + fromGuest.delivered, 1000);
    const got = await lab.two.receive(fromGuest.delivered);
    await lab.network.flush();
    const ends = await Promise.all(["a1", "a2"].map((name) => readCapture(`${lab.path(name)}.pcapng`)));
    t.deepEqual(
      ends.map((frames) => frames.length),
      [1000, fromGuest.delivered],
    );
    return got;
  };
  const first = await survivors(7);
  t.deepEqual(await survivors(7), first);
  t.notDeepEqual(await survivors(8), first);
});

test("a direction is set for itself, and a set replaces all that held before", async (t) => {
  await using lab = await pair({ blackhole: true, direction: "to-guest" });
  const [there, back] = [frame(all, address(1), "01"), frame(all, address(2), "02")];
  lab.one.send(there);
  t.deepEqual(await lab.two.receive(1), [there]);
  lab.two.send(back);
  const { connected, toGuest } = await countersWhen(lab, "a1", (counters) => counters.toGuest.offered === 1);
  t.true(connected);
  t.like(toGuest, { frames: 0, delivered: 0, blackholed: 1 });
  await lab.network.set("a1", { loss: "100%", direction: "from-guest" }, 1);
  lab.one.send(there);
  lab.two.send(back);
  const both = await countersWhen(lab, "a1", ({ fromGuest, toGuest: to }) => fromGuest.offered + to.offered === 4);
  t.like(both, { fromGuest: { lost: 1 }, toGuest: { blackholed: 2 } });
  await lab.network.set("a1", {}, 1);
  lab.one.send(there);
  lab.two.send(back);
  t.deepEqual([await lab.one.receive(1), await lab.two.receive(1)], [[back], [there]]);
});

test("delay: never earlier than told, and a set lets what is on its way arrive at once, before what comes later", async (t) => {
  await using lab = await pair({ delay: "20ms", direction: "from-guest" });
  const frames = numbered(3);
  const started = performance.now();
  lab.one.send(...frames);
  t.deepEqual(await lab.two.receive(3), frames);
  t.true(performance.now() - started >= 20);
  await lab.network.set("a1", { delay: "60s" }, 1);
  lab.one.send(...frames);
  await countersWhen(lab, "a1", ({ fromGuest }) => fromGuest.inFlight === 3);
  await lab.network.set("a1", {}, 1);
  const last = frame(all, address(1), "ff");
  lab.one.send(last);
  t.deepEqual(await lab.two.receive(4), [...frames, last]);
  t.is((await lab.network.counters("a1")).fromGuest.inFlight, 0);
});

test("reorder: those that skip the delay arrive at once and are counted, the others in their order", async (t) => {
  await using lab = await pair({ delay: "60s", reorder: "50%", direction: "from-guest" });
  const sent = numbered(100);
  lab.one.send(...sent);
  const { fromGuest } = await countersWhen(lab, "a1", (counters) => counters.fromGuest.offered === 100);
  t.true(fromGuest.inFlight > 20 && fromGuest.inFlight < 80, `${fromGuest.inFlight}`);
  const early = await lab.two.receive(100 - fromGuest.inFlight);
  await lab.network.set("a1", {}, 1);
  const late = await lab.two.receive(fromGuest.inFlight);
  t.deepEqual([...early, ...late].toSorted(), sent);
  t.deepEqual([early, late], [early.toSorted(), late.toSorted()]);
  // The first of all may skip its delay too, but overtakes nobody by that.
  const before = early.filter((each) => each < (late[0] ?? "")).length;
  t.is(fromGuest.reordered, early.length - before);
});

test("duplicate sends all twice; corrupt changes one bit behind the header, and only for who is behind that link", async (t) => {
  await using lab = await wire(["a1", "a2", "a3"]);
  using one = await Guest.plug(lab.path("a1"));
  using two = await Guest.plug(lab.path("a2"));
  using three = await Guest.plug(lab.path("a3"));
  await lab.network.set("a2", { corrupt: "100%" }, 1);
  await lab.network.set("a3", { duplicate: "100%" }, 1);
  const sent = numbered(20);
  one.send(...sent);
  t.deepEqual(
    await three.receive(40),
    sent.flatMap((each) => [each, each]),
  );
  for (const [index, got] of (await two.receive(20)).entries()) {
    const wrong = BigInt(`0x${got}`) ^ BigInt(`0x${sent[index] ?? ""}`);
    t.is(wrong.toString(2).replaceAll("0", ""), "1");
    t.is(got.slice(0, 28), (sent[index] ?? "").slice(0, 28));
  }
  t.like(await lab.network.counters("a2"), { toGuest: { corrupted: 20, delivered: 20 } });
  t.like(await lab.network.counters("a3"), { toGuest: { duplicated: 20, delivered: 40, offered: 20 } });
});

test("rate: takes the time of the bits, and drops what the queue does not hold", async (t) => {
  await using lab = await pair({ rate: "8mbit", direction: "from-guest" });
  const sent = Array.from({ length: 40 }, (_, index) => frame(all, address(1), index.toString(16).padStart(1972, "0")));
  const started = performance.now();
  lab.one.send(...sent);
  t.deepEqual(await lab.two.receive(40), sent);
  // 40 frames of 1000 bytes at 1000 bytes a millisecond.
  t.true(performance.now() - started >= 40);
  // A second's worth at once into a queue of a tenth.
  lab.one.send(...Array.from({ length: 25 }, () => sent).flat());
  const { fromGuest } = await countersWhen(
    lab,
    "a1",
    ({ fromGuest: now }) => now.offered === 1040 && now.inFlight === 0,
  );
  t.is(balance(fromGuest), 0);
  t.true(fromGuest.queueDropped > 0 && fromGuest.delivered >= 140, `${fromGuest.delivered}`);
});

test("carrier: nothing passes a pulled cable, what was on its way is gone, and its address is forgotten", async (t) => {
  await using lab = await wire(["a1", "a2", "a3"]);
  using one = await Guest.plug(lab.path("a1"));
  using two = await Guest.plug(lab.path("a2"));
  using three = await Guest.plug(lab.path("a3"));
  one.send(frame(all, address(1), "01"));
  t.is((await two.receive(1)).length + (await three.receive(1)).length, 2);
  await lab.network.set("a1", { delay: "60s" }, 1);
  const toOne = frame(address(1), address(2), "02");
  two.send(toOne);
  await countersWhen(lab, "a1", ({ toGuest }) => toGuest.inFlight === 1);
  await lab.network.set("a1", { carrier: "down" }, 1);
  two.send(toOne);
  // Three gets it since nobody knows any more where one is.
  t.deepEqual(await three.receive(1), [toOne]);
  t.like(await lab.network.counters("a1"), { toGuest: { noCarrier: 2, inFlight: 0, frames: 0 } });
  await lab.network.set("a1", {}, 1);
  two.send(toOne);
  t.deepEqual(await one.receive(1), [toOne]);
});

test("whatever is set, every frame is accounted for", async (t) => {
  const properties: readonly LinkProperties[] = [
    { loss: "10%", duplicate: "10%", corrupt: "10%", delay: "5ms", jitter: "5ms", reorder: "10%", rate: "5mbit" },
    { duplicate: "50%", rate: "1mbit" },
    { loss: "50%", delay: "1ms" },
    { blackhole: true },
    { carrier: "down" },
    {},
  ];
  await using lab = await pair({});
  const sent = numbered(500);
  for (const [index, each] of properties.entries()) {
    await lab.network.set("a1", each, 1);
    lab.one.send(...sent);
    const { fromGuest } = await countersWhen(lab, "a1", (all_) => all_.fromGuest.offered === (index + 1) * 500);
    t.is(balance(fromGuest), 0);
  }
  const { fromGuest } = await countersWhen(lab, "a1", (counters) => counters.fromGuest.inFlight === 0);
  t.is(balance(fromGuest), 0);
  const two = await lab.network.counters("a2");
  t.is(two.toGuest.offered, fromGuest.delivered);
  await lab.two.receive(fromGuest.delivered);
});

test("a capture on demand has the frames from its start to its stop, beside the one that runs all the time", async (t) => {
  await using lab = await pair({});
  const file = join(lab.directory, "on-demand.pcapng");
  const frames = numbered(3);
  for (const [index, each] of frames.entries()) {
    if (index === 1) await lab.network.startCapture("a1", file);
    lab.one.send(each);
    await lab.two.receive(1);
    if (index === 1) await lab.network.stopCapture("a1", file);
  }
  const captured = await readCapture(file);
  t.deepEqual(
    captured.map(({ bytes, direction }) => [bytes.toString("hex"), direction]),
    [[frames[1], "from-guest"]],
  );
  await lab.network.flush();
  t.is((await readCapture(`${lab.path("a1")}.pcapng`)).length, 3);
  await t.throwsAsync(lab.network.stopCapture("a1", file), { message: /is not being captured/ });
  await t.throwsAsync(lab.network.startCapture("a1", `${lab.path("a1")}.pcapng`), { message: /written already/ });
  await t.throwsAsync(lab.network.set("a9", {}, 1), { message: /no port "a9"/ });
});
