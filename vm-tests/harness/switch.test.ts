import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { FrameDecoder, encodeFrame, headerSize } from "./frame-codec.ts";
import { readCapture } from "./pcapng-read.ts";
import { Switch } from "./switch.ts";

/** A guest at the end of a cable. */
class Guest implements Disposable {
  readonly #socket: Socket;
  readonly #frames: string[] = [];
  #arrived = Promise.withResolvers<void>();

  static async plug(path: string): Promise<Guest> {
    const socket = connect(path);
    await once(socket, "connect");
    return new Guest(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    // An error is followed by close.
    socket.on("error", () => {});
    const decoder = new FrameDecoder();
    socket.on("data", (chunk: Buffer) => {
      decoder.push(chunk, (buffer, start, end) => this.#frames.push(buffer.toString("hex", start + headerSize, end)));
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    });
  }

  send(...frames: readonly string[]): void {
    this.#socket.write(Buffer.concat(frames.map((frame) => encodeFrame(Buffer.from(frame, "hex")))));
  }

  async receive(count: number): Promise<string[]> {
    while (this.#frames.length < count) await this.#arrived.promise;
    return this.#frames.splice(0, count);
  }

  /** Takes no more frames, like a guest whose driver is not up. */
  sleep(): void {
    this.#socket.pause();
  }

  /** Resolves when the switch has closed the cable. */
  async unplugged(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#socket.closed) resolve();
    this.#socket.once("close", () => resolve());
    await promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

const address = (index: number): string => `52540000000${index}`;
const frame = (to: string, from: string, data: string): string => `${to}${from}88b5${data}`;
const all = "ffffffffffff";

async function wire(
  names: readonly string[],
): Promise<{ network: Switch; path: (name: string) => string; directory: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "netloom-switch-"));
  const network = new Switch(directory);
  const path = (name: string): string => join(directory, name);
  for (const name of names) {
    await network.open({ name, network: name.slice(0, 1), socket: path(name), capture: `${path(name)}.pcapng` });
  }
  const dispose = async (): Promise<void> => {
    await network[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  };
  return { network, path, directory, [Symbol.asyncDispose]: dispose };
}

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
  t.deepEqual(await lab.network.counters("a3"), {
    connected: true,
    fromGuest: { frames: 1, bytes: 15 },
    toGuest: { frames: 1, bytes: 15 },
    dropped: 0,
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
  const sleeper = await lab.network.counters("a3");
  t.true(sleeper.dropped > 0);
  t.is(sleeper.dropped + sleeper.toGuest.frames, count);
  t.is((await lab.network.counters("a2")).dropped, 0);
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
    console.log("open");`;
  const lab = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
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
