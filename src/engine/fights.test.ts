import test, { type ExecutionContext } from "ava";
import type { Actor } from "../host/host.ts";
import { HOST, type KernelObject, type Target } from "../model/kernel.ts";
import { diff } from "../plan/diff/index.ts";
import { MemoryHost } from "../testing/memory-host.ts";
import { Fights } from "./fights.ts";
import { reconcile, type Reconciled } from "./reconcile.ts";

const bridge: KernelObject = { kind: "link", netns: HOST, name: "l-lab", type: "bridge" };
const address: KernelObject = { kind: "address", netns: HOST, dev: "l-lab", address: "10.5.0.1/24" };
const route: KernelObject = { kind: "route", netns: HOST, to: "10.9.0.0/16", dev: "l-lab" };
const target: Target = [bridge, address, route];
const ip: Actor = { pid: 4711, program: "ip", netns: HOST, kind: "route" };

interface World {
  readonly host: MemoryHost;
  readonly fights: Fights;
  /** Lets time pass, in milliseconds. */
  readonly wait: (milliseconds: number) => void;
  readonly pass: (wish?: Target) => Promise<Reconciled>;
  /** Somebody takes the route away. */
  readonly steal: (actor?: Actor) => void;
}

function world(): World {
  let now = 0;
  const fights = new Fights(() => now);
  const host = new MemoryHost();
  return {
    host,
    fights,
    wait: (milliseconds) => void (now += milliseconds),
    pass: (wish = target) => reconcile(host, [...wish], "all", fights),
    steal: (actor) => {
      host.kernel = { ...host.kernel, route: [] };
      if (actor !== undefined) fights.note([actor]);
    },
  };
}

async function undoneThrice(t: ExecutionContext, { pass, steal, fights }: World, actor?: Actor): Promise<void> {
  await pass();
  for (const _time of [1, 2]) {
    steal(actor);
    t.is((await pass()).report.outcome, "changed");
    t.deepEqual(fights.all, []);
  }
  steal(actor);
  t.like((await pass()).report, { outcome: "unchanged", steps: [] });
}

test("what somebody takes away three times is left to them, and they are named", async (t) => {
  const made = world();
  await undoneThrice(t, made, ip);
  t.deepEqual(made.fights.all, [{ objects: ["route 10.9.0.0/16 metric 0"], times: 3, by: "ip (pid 4711)" }]);
  t.is(made.host.kernel.route.length, 0);
  // It stays away, and is known to be open: an uplink that is held is not as wished.
  const { report, open } = await made.pass();
  t.is(report.outcome, "unchanged");
  t.deepEqual(
    open.map(({ op }) => op),
    ["route.add"],
  );
});

test("the next change of documents takes it up again, and counts anew", async (t) => {
  const made = world();
  await undoneThrice(t, made, ip);
  made.fights.release();
  t.is((await made.pass()).report.outcome, "changed");
  t.is(made.host.kernel.route.length, 1);
  t.deepEqual(made.fights.all, []);
  made.steal(ip);
  t.is((await made.pass()).report.outcome, "changed");
});

test("who has ended is told by number, and of somebody unknown the suspects are", async (t) => {
  const ended = world();
  await undoneThrice(t, ended, { ...ip, program: null });
  t.like(ended.fights.all[0], { by: "a program that has ended, pid 4711" });
  const unknown = world();
  await undoneThrice(t, unknown);
  t.like(unknown.fights.all[0], { by: "somebody whom the kernel does not name" });
  const suspected = world();
  suspected.host.managersRunning = ["NetworkManager (pid 700)"];
  await undoneThrice(t, suspected, { ...ip, netns: "ndemo" });
  t.like(suspected.fights.all[0], {
    by: "somebody whom the kernel does not name, where NetworkManager (pid 700) runs",
  });
});

test("who did it is named also when the event is heard after the pass that found it, and after that nobody is blamed", async (t) => {
  const made = world();
  made.host.managersRunning = ["NetworkManager (pid 700)"];
  await undoneThrice(t, made);
  made.fights.note([{ ...ip, kind: "address" }]);
  t.regex(made.fights.all[0]?.by ?? "", /^somebody whom the kernel does not name/u);
  made.fights.note([ip]);
  made.fights.note([{ ...ip, pid: 4712 }]);
  t.like(made.fights.all, [{ by: "ip (pid 4711)", times: 3 }]);
  const silent = world();
  await undoneThrice(t, silent);
  silent.wait(5000);
  silent.fights.note([ip]);
  t.like(silent.fights.all, [{ by: "somebody whom the kernel does not name" }]);
});

test("who did something while a pass was under way is known to the next", async (t) => {
  const { host, fights, pass, steal } = world();
  await pass();
  for (const _time of [1, 2]) {
    steal(ip);
    await pass();
  }
  const observe = host.observe.bind(host);
  let looks = 0;
  // Its last look finds all as it should be; what is taken away right after it is told of before the pass is over.
  host.observe = async (...words) => {
    const seen = await observe(...words);
    if ((looks += 1) === 2) steal({ ...ip });
    return seen;
  };
  host.kernel = { ...host.kernel, address: [] };
  await pass();
  await pass();
  t.like(fights.all, [{ by: "ip (pid 4711)" }]);
});

test("what is undone now and then is mended for ever", async (t) => {
  const { pass, steal, wait, fights } = world();
  await pass();
  for (let time = 0; time < 10; time += 1) {
    wait(6 * 60_000);
    steal(ip);
    t.is((await pass()).report.outcome, "changed");
  }
  t.deepEqual(fights.all, []);
});

test("a wish that changes to and fro is nobody's doing", async (t) => {
  const { pass, fights, host } = world();
  for (let time = 0; time < 10; time += 1) {
    await pass();
    await pass([bridge, address]);
  }
  t.deepEqual(fights.all, []);
  t.is(host.kernel.route.length, 0);
});

test("a step that fails again and again is no fight", async (t) => {
  const { pass, fights, host } = world();
  host.refuses = "10.9.0.0/16";
  for (let time = 0; time < 5; time += 1) t.is((await pass()).report.outcome, "failed");
  t.deepEqual(fights.all, []);
});

test("somebody who is faster than our second look is noticed too, when he is known", (t) => {
  const { fights } = world();
  const again = diff({ ...new MemoryHost().kernel }, [bridge, route]).steps.filter(({ op }) => op === "route.add");
  for (let time = 0; time < 3; time += 1) {
    t.false(again.some((step) => fights.holds(step)));
    // Without a name it may be the kernel, which does not do as it was told.
    fights.settled(target, again, again);
    fights.note([ip]);
    fights.settled(target, again, again);
  }
  t.like(fights.all[0], { objects: ["route 10.9.0.0/16 metric 0"], by: "ip (pid 4711)" });
});

test("what went with one object is told with it", async (t) => {
  const { pass, fights, host } = world();
  await pass();
  for (let time = 0; time < 3; time += 1) {
    host.kernel = { ...host.kernel, link: [], address: [], route: [] };
    await pass();
  }
  t.is(fights.all.length, 1);
  t.deepEqual(fights.all[0]?.objects, ["link l-lab", "address l-lab 10.5.0.1/24", "route 10.9.0.0/16 metric 0"]);
});
