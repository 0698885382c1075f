/** The choice over time: networks come, go and answer in any order. */
import test from "ava";
import fc from "fast-check";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { NicFact } from "../model/facts.ts";
import { facts, lease, nic, node } from "../testing/builders.ts";
import { settings as settingsOf } from "./settings.ts";
import { chooseUplink, ofProbe, rememberChoice, type ChoiceMemory } from "./uplink.ts";

const TIMEOUT = 20;
const settings = settingsOf(node({ uplink: { probeTimeout: TIMEOUT } }), NO_FLAGS);

/** What is at the other end of a NIC's cable, and when it is plugged in and pulled. Seconds. */
interface World {
  readonly name: string;
  readonly plugged: readonly { readonly from: number; readonly to: number }[];
  /** Seconds from the first question to the lease; null is no server. */
  readonly lease: number | null;
  /** Seconds from the lease to the gateway's first answer; null is none. */
  readonly gateway: number | null;
}

interface Moment {
  readonly now: number;
  readonly chosen: string | null;
  readonly complete: boolean;
  readonly probed: readonly string[];
  readonly leaving: readonly string[];
  /** NICs whose lease was known. */
  readonly had: readonly string[];
}

const END = 200;

/** The NIC as it is asked at a moment, when it is asked since then. */
function seen({ name, plugged, lease: delay, gateway }: World, now: number, since: number | undefined): NicFact {
  const cable = plugged.find(({ from, to }) => from <= now && now < to);
  const bare = nic(name, { carrier: cable !== undefined });
  if (since === undefined) return bare;
  // Another cable, another network: what was heard before it says nothing.
  const asked = Math.max(since, cable?.from ?? Infinity);
  const leased = delay === null || now < asked + delay ? undefined : asked + delay;
  if (leased === undefined) return { ...bare, probe: { since } };
  const answered = gateway === null || now < leased + gateway ? undefined : leased + gateway;
  const passed = answered !== undefined;
  const gateway4 = { name: "IPv4 gateway", passed, detail: passed ? "answers" : "does not answer" };
  const probe = { since, lease4: lease(name, { obtainedAt: leased, expiresAt: 1e6 }), gateway4 };
  return { ...bare, probe: answered === undefined ? probe : { ...probe, answeredAt: answered } };
}

/** Lets the choice be made whenever something happens or it asked for it, and at no other time. */
function run(worlds: readonly World[]): readonly Moment[] {
  let memory: ChoiceMemory = { uplink: null, uplinkLost: null, since: {}, over: {}, placed: {}, beside: [] };
  const moments: Moment[] = [];
  for (let now = 0; now <= END;) {
    const nics = worlds.map((world) => {
      const one = seen(world, now, memory.since[world.name]);
      return one.probe === undefined ? one : { ...one, probe: { ...one.probe, ...ofProbe(world.name, memory) } };
    });
    const { uplink, uplinkLost } = memory;
    const known = facts({ now, nics, uplink, ...(uplinkLost === null ? {} : { uplinkLost }) });
    const choice = chooseUplink(settings, known, new Map());
    const next = rememberChoice(choice, known, memory);
    // The loop of the engine looks again at once at what it changed itself.
    const again = JSON.stringify(next) === JSON.stringify(memory) ? Infinity : now;
    memory = next;
    const { chosen, probed, leaving, deadline } = choice;
    const had = nics.filter(({ probe }) => probe?.lease4 !== undefined).map(({ name }) => name);
    moments.push({
      now,
      chosen: chosen?.nic.name ?? null,
      complete: chosen?.complete === true,
      probed: probed.map(({ name }) => name),
      leaving: leaving.map(({ name }) => name),
      had,
    });
    if (choice.decision.filter((one) => one.chosen).length !== (chosen === null ? 0 : 1))
      throw new Error("the record differs");
    if (again === now) continue;
    const { since } = memory;
    const events = worlds.flatMap((world) => {
      const asked = since[world.name];
      const cables = world.plugged.flatMap(({ from, to }) => [from, to]);
      if (asked === undefined || world.lease === null) return cables;
      const starts = [asked, ...cables.filter((at) => at > asked)];
      return [
        ...cables,
        ...starts.flatMap((at) => [at + (world.lease ?? 0), at + (world.lease ?? 0) + (world.gateway ?? 0)]),
      ];
    });
    if (deadline !== null && deadline <= now) throw new Error(`a deadline that is over: ${deadline} at ${now}`);
    now = Math.min(...events.filter((at) => at > now), deadline ?? Infinity, END + 1);
  }
  return moments;
}

const delay = fc.option(fc.double({ min: 0.1, max: 30, noNaN: true }), { freq: 3 });
const cables = fc
  .uniqueArray(fc.integer({ min: 0, max: 80 }), { minLength: 0, maxLength: 5 })
  .map((times) => times.toSorted((a, b) => a - b))
  .map((times) =>
    Array.from({ length: Math.ceil(times.length / 2) }, (_unused, index) => ({
      from: times[2 * index] ?? 0,
      to: times[2 * index + 1] ?? Infinity,
    })),
  );
const world = (name: string): fc.Arbitrary<World> =>
  fc.record({ name: fc.constant(name), plugged: cables, lease: delay, gateway: delay });
const worlds = fc.tuple(world("eth0"), world("eth1"), world("eth2"));

const isPlugged = ({ plugged }: World, at: number): boolean => plugged.some(({ from, to }) => from <= at && at < to);
const works = (one: World): boolean => one.lease !== null && one.gateway !== null && isPlugged(one, END);

test("in the end the uplink has all that is asked for when any NIC has it, and an address when any has one", (t) => {
  fc.assert(
    fc.property(worlds, (all) => {
      const last = run(all).at(-1);
      if (all.some(works)) t.true(last?.complete, JSON.stringify(last));
      else if (all.some((one) => one.lease !== null && isPlugged(one, END))) t.truthy(last?.chosen);
    }),
    { numRuns: 400 },
  );
});

test("an uplink that lacks nothing is never left, and a lost one not before its patience is over", (t) => {
  fc.assert(
    fc.property(worlds, (all) => {
      const moments = run(all);
      for (const [index, { now, chosen, complete, probed }] of moments.entries()) {
        if (complete) t.deepEqual(probed, [], "nobody else is asked any more");
        const after = moments[index + 1];
        if (!complete || after === undefined || after.chosen === chosen) continue;
        t.fail(`${chosen} was left for ${after.chosen} at once at ${now}`);
      }
    }),
    { numRuns: 400 },
  );
});

test("networks that stay as they are make the uplink change once at most after the first choice", (t) => {
  const still = fc.tuple(
    ...["eth0", "eth1", "eth2"].map((name) =>
      world(name).map((one) => ({ ...one, plugged: [{ from: 0, to: Infinity }] })),
    ),
  );
  fc.assert(
    fc.property(still, (all) => {
      const chosen = run(all).map((moment) => moment.chosen);
      const changes = chosen.filter((name, index) => index > 0 && name !== chosen[index - 1]);
      t.true(changes.length <= 2, changes.join(" "));
    }),
    { numRuns: 400 },
  );
});

test("NICs that are unplugged or silent delay nobody: the first choice comes when it would without them", (t) => {
  const silent = fc.tuple(
    ...["eth1", "eth2", "eth3"].map((name) => world(name).map((one) => ({ ...one, lease: null }))),
  );
  fc.assert(
    fc.property(world("eth0"), silent, (one, others) => {
      const firstOf = (all: readonly World[]): number | undefined =>
        run(all).find(({ chosen }) => chosen !== null)?.now;
      t.is(firstOf([one, ...others]), firstOf([one]));
    }),
    { numRuns: 300 },
  );
});

test("a choice is made within one probe timeout after the first NIC with an address could be asked", (t) => {
  fc.assert(
    fc.property(worlds, (all) => {
      for (const { now, chosen } of run(all)) {
        const waited = all.some(
          ({ plugged, lease: after }) =>
            after !== null && plugged.some(({ from, to }) => now < to && now >= from + Math.max(TIMEOUT, after)),
        );
        if (chosen === null && waited) t.fail(`nothing is chosen at ${now}`);
      }
      t.pass();
    }),
    { numRuns: 300 },
  );
});

test("a NIC that was not chosen is asked for seconds more, and whatever lease it has by then had its address for a pass", (t) => {
  const patience = 7;
  fc.assert(
    fc.property(worlds, (all) => {
      const moments = run(all);
      const since = new Map<string, number>();
      for (const [index, { now, chosen, probed, leaving }] of moments.entries()) {
        const before = moments[index - 1];
        const hasCable = new Set(all.filter((one) => isPlugged(one, now)).map(({ name }) => name));
        for (const name of since.keys()) if (!leaving.includes(name)) since.delete(name);
        for (const name of leaving) {
          since.set(name, since.get(name) ?? now);
          t.true(now < (since.get(name) ?? now) + patience, `${name} is asked at ${now} still`);
        }
        for (const name of [...(before?.probed ?? []), ...(before?.leaving ?? [])]) {
          if ([...probed, ...leaving, chosen].includes(name) || !hasCable.has(name)) continue;
          t.true(before?.leaving.includes(name), `${name} is dropped at once at ${now}`);
          const leased = moments[index]?.had.includes(name) === true;
          if (leased) t.true(before?.had.includes(name), `${name} got its lease in the moment when it was dropped`);
        }
      }
    }),
    { numRuns: 400 },
  );
});
