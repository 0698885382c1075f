import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readCapture } from "./pcapng-read.ts";
import { Guest, address, all, frame, wire } from "./switch-guest.ts";

test("carries frames within a network, learns, counts and captures", async (t) => {
  await using lab = await wire(["a1", "a2", "a3", "b1"]);
  using one = await Guest.plug(lab.path("a1"));
  using two = await Guest.plug(lab.path("a2"));
  using three = await Guest.plug(lab.path("a3"));
  using other = await Guest.plug(lab.path("b1"));
  const hello = frame(all, address(1), "01");
  one.send(hello);
  t.deepEqual([await two.receive(1), await three.receive(1)], [[hello], [hello]]);
  const answer = frame(address(1), address(2), "02");
  const tagged = `${address(1)}${address(2)}8100006488b503`;
  two.send(answer, tagged);
  t.deepEqual(await one.receive(2), [answer, tagged]);
  const last = frame(all, address(3), "04");
  three.send(last);
  t.deepEqual([await one.receive(1), await two.receive(1)], [[last], [last]]);
  // Three has seen nothing of what went between the others, and the other network nothing at all.
  t.like(await lab.network.counters("a3"), {
    connected: true,
    fromGuest: { frames: 1, bytes: 15, offered: 1, delivered: 1 },
    toGuest: { frames: 1, bytes: 15, offered: 1, delivered: 1 },
  });
  t.is((await lab.network.counters("b1")).toGuest.frames, 0);
  await lab.network.flush();
  const captured = await readCapture(`${lab.path("a1")}.pcapng`);
  t.deepEqual(
    captured.map(({ bytes, direction }) => [direction, bytes.toString("hex")]),
    [
      ["from-guest", hello],
      ["to-guest", answer],
      ["to-guest", tagged],
      ["to-guest", last],
    ],
  );
  other.sleep();
});

test("tagged frames pass unchanged: VLAN, QinQ, priority tags, and sizes up to the largest", async (t) => {
  await using lab = await wire(["a1", "a2"]);
  using one = await Guest.plug(lab.path("a1"));
  using two = await Guest.plug(lab.path("a2"));
  const head = `${address(2)}${address(1)}`;
  const frames = [
    `${head}8100006408004500`,
    `${head}88a8006481000065080045000000`,
    `${head}88a80fff88a8000181000fff08004500`,
    `${head}8100e000080045`,
    frame(address(2), address(1), "00".repeat(46)),
    `${head}810000640800${"5a".repeat(9000)}`,
  ];
  one.send(...frames);
  t.deepEqual(await two.receive(frames.length), frames);
});

test("on 64 ports a frame for all reaches the other 63 exactly once, and one for a known address one port", async (t) => {
  const names = Array.from({ length: 64 }, (_, index) => `a${index}`);
  await using lab = await wire(names);
  const guests = await Promise.all(names.map((name) => Guest.plug(lab.path(name))));
  using owned = new DisposableStack();
  for (const guest of guests) owned.use(guest);
  const hellos = guests.map((_, index) => frame(all, address(index), "01"));
  for (const [index, guest] of guests.entries()) guest.send(hellos[index] ?? "");
  for (const [index, guest] of guests.entries()) {
    const others = hellos.filter((hello) => hello !== hellos[index]);
    t.deepEqual((await guest.receive(63)).toSorted(), others.toSorted());
  }
  // Each to its neighbour: nobody else may see it.
  for (const [index, guest] of guests.entries()) guest.send(frame(address((index + 1) % 64), address(index), "02"));
  for (const [index, guest] of guests.entries()) {
    t.deepEqual(await guest.receive(1), [frame(address(index), address((index + 63) % 64), "02")]);
  }
  const counters = await Promise.all(names.map((name) => lab.network.counters(name)));
  t.true(counters.every(({ fromGuest, toGuest }) => fromGuest.delivered === 2 && toGuest.delivered === 64));
});

test("loses nothing between two that read, and does not wait for a third that sleeps", async (t) => {
  await using lab = await wire(["a1", "a2", "a3"]);
  using one = await Guest.plug(lab.path("a1"));
  using two = await Guest.plug(lab.path("a2"));
  using three = await Guest.plug(lab.path("a3"));
  three.sleep();
  const count = 3000;
  const batch = Array.from({ length: count }, (_, index) =>
    frame(all, address(1), index.toString(16).padStart(2048, "0")),
  );
  one.send(...batch);
  t.deepEqual(await two.receive(count), batch);
  const { toGuest: sleeper } = await lab.network.counters("a3");
  t.true(sleeper.congested > 0);
  t.is(sleeper.congested + sleeper.frames, count);
  t.is((await lab.network.counters("a2")).toGuest.delivered, count);
});

test("takes a guest that comes back, and closes one that is out of step", async (t) => {
  await using lab = await wire(["a1", "a2"]);
  using two = await Guest.plug(lab.path("a2"));
  {
    using torn = await Guest.plug(lab.path("a1"));
    torn.send(frame(all, address(1), "01"));
    await two.receive(1);
  }
  using again = await Guest.plug(lab.path("a1"));
  again.send(frame(all, address(1), "02"));
  t.deepEqual(await two.receive(1), [frame(all, address(1), "02")]);
  const broken = connect(lab.path("a2"));
  broken.on("error", () => {});
  broken.resume().write(Buffer.alloc(8, 0xff));
  await once(broken, "close");
  again.send(frame(all, address(1), "03"));
  t.is((await lab.network.counters("a1")).fromGuest.frames >= 2, true);
});

test("ends with its parent's word and leaves no socket", async (t) => {
  const lab = await wire(["a1"]);
  const { pid } = lab.network;
  t.true(existsSync(lab.path("a1")));
  await lab.network[Symbol.asyncDispose]();
  t.false(existsSync(lab.path("a1")));
  t.throws(() => process.kill(pid ?? 0, 0), { code: "ESRCH" });
  await t.throwsAsync(lab.network.counters("a1"), { message: /has ended/ });
  t.false(existsSync(lab.directory));
});

test("ends by itself, with its sockets and directory, when the lab is killed", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "netloom-switch-"));
  const socket = join(directory, "a1");
  const program = `
    import { Switch } from ${JSON.stringify(new URL("switch.ts", import.meta.url).href)};
    const network = new Switch(${JSON.stringify(directory)});
    await network.open({ name: "a1", network: "a", socket: ${JSON.stringify(socket)} });
    console.log("open");
    process.stdin.resume().once("close", () => process.exit());`;
  // It ends with us: a runner that gives this file up would else wait for whoever holds its output.
  const lab = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  // The switch inherited the pipe, which ends with the last of the two.
  const allEnded = once(lab.stdout, "close");
  await once(lab.stdout, "data");
  using guest = await Guest.plug(socket);
  lab.kill("SIGKILL");
  await guest.unplugged();
  await allEnded;
  t.false(existsSync(directory));
});
