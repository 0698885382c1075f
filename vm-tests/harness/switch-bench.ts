// Measures the switch between two other processes of this host, for `npm run bench switch`.
// Rate: one sends frames of 1514 bytes as fast as it can. Latency: a short frame goes to and fro, through the switch and,
// for comparison, over one plain unix socket; half of the difference is what the switch adds one way.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeFrame } from "./frame-codec.ts";
import type { LinkProperties } from "./link-properties.ts";
import { Switch } from "./switch.ts";

const rounds = 20_000;
const macs = { a: "525400000001", b: "525400000002" } as const;

function frame(to: string, from: string, length: number): Buffer {
  return encodeFrame(Buffer.concat([Buffer.from(`${to}${from}88b5`, "hex"), Buffer.alloc(length - 14)]));
}

async function dial(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, "connect");
  return socket;
}

/** Reads `count` bytes, however they come. */
function reader(socket: Socket): (count: number) => Promise<void> {
  let have = 0;
  let wake = (): void => {};
  socket.on("data", ({ length }: Buffer) => {
    have += length;
    wake();
  });
  return async (count) => {
    while (have < count) await new Promise<void>((resolve) => (wake = resolve));
    have -= count;
  };
}

/** The other process: sends everything back, or sends without end. */
async function peer(mode: string, path: string): Promise<void> {
  const socket = await dial(path);
  socket.on("close", () => process.exit(0));
  const hello = frame("ffffffffffff", macs.b, 60);
  if (mode === "echo") {
    const answer = frame(macs.a, macs.b, 60);
    const read = reader(socket);
    socket.write(hello);
    for (;;) {
      await read(answer.length);
      socket.write(answer);
    }
  }
  const many = Buffer.concat(Array.from({ length: 43 }, () => frame(macs.a, macs.b, 1514)));
  for (;;) if (!socket.write(many)) await once(socket, "drain");
}

function startPeer(mode: string, path: string): AsyncDisposable {
  const child = fork(fileURLToPath(import.meta.url), [mode, path], { execArgv: [] });
  return {
    [Symbol.asyncDispose]: async () => {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** Microseconds one way, median, over a socket on which the peer answers. */
async function latency(socket: Socket): Promise<number> {
  const ping = frame(macs.b, macs.a, 60);
  const read = reader(socket);
  await read(ping.length);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    socket.write(ping);
    await read(ping.length);
    times.push(performance.now() - started);
  }
  socket.destroy();
  return (times.toSorted((x, y) => x - y)[rounds / 2] ?? 0) * 500;
}

async function direct(directory: string): Promise<number> {
  const path = join(directory, "direct");
  const server = createServer().listen(path);
  await once(server, "listening");
  await using _peer = startPeer("echo", path);
  const [socket] = (await once(server, "connection")) as [Socket];
  server.close();
  return await latency(socket);
}

/** What the switch carries, and how long a short frame takes through it and over one plain socket. */
export type SwitchFigures = {
  readonly gbits: number;
  /** Frames for the receiver that did not reach it. */
  readonly dropped: number;
  /** Microseconds one way, medians. */
  readonly switchedUs: number;
  readonly directUs: number;
};

/** How a switch is measured; the two that talk are on ports of their own beside `ports - 2` that are open and only listen. */
export type SwitchLoad = {
  readonly ports: number;
  readonly capture?: boolean;
  /** What the link of the sender does while the rate is measured. */
  readonly properties?: LinkProperties;
};

/** Measures a switch of its own. */
export async function measureSwitch(seconds: number, load: SwitchLoad): Promise<SwitchFigures> {
  const { ports, capture = false, properties = {} } = load;
  return await withSwitch(ports, capture, async (network, directory) => {
    const directUs = await direct(directory);
    let switchedUs: number;
    {
      const socket = await dial(join(directory, "a"));
      await using _peer = startPeer("echo", join(directory, "b"));
      switchedUs = await latency(socket);
    }
    const socket = await dial(join(directory, "a"));
    socket.write(frame("ffffffffffff", macs.a, 60));
    let bytes = 0;
    socket.on("data", ({ length }: Buffer) => (bytes += length));
    await network.set("b", properties, 1);
    await using _peer = startPeer("flood", join(directory, "b"));
    while (bytes === 0) await once(socket, "data");
    const [before, started] = [bytes, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const gbits = ((bytes - before) * 8) / (performance.now() - started) / 1e6;
    const { toGuest } = await network.counters("a");
    socket.destroy();
    return { gbits, dropped: toGuest.offered - toGuest.delivered, switchedUs, directUs };
  });
}

/** What a delay of 10 ms takes more than that, in microseconds. */
export type DelayFigures = {
  /** The median round trip with the delay one way, less that without, less 10 ms. */
  readonly medianUs: number;
  /** What the fastest round trip takes above 10 ms: below 0 a frame would have come too early. */
  readonly leastUs: number;
};

/** Measures how exact a delay is. Round trips without it wait as long between each other, since processes that slept wake slowly. */
export async function measureDelay(): Promise<DelayFigures> {
  return await withSwitch(2, false, async (network, directory) => {
    const socket = await dial(join(directory, "a"));
    await using _peer = startPeer("echo", join(directory, "b"));
    const read = reader(socket);
    const ping = frame(macs.b, macs.a, 60);
    await read(ping.length);
    const roundTrips = async (pauseMs: number): Promise<readonly number[]> => {
      const times: number[] = [];
      for (let round = 0; round < 200; round++) {
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        const started = performance.now();
        socket.write(ping);
        await read(ping.length);
        times.push((performance.now() - started) * 1000);
      }
      return times.toSorted((x, y) => x - y);
    };
    const without = await roundTrips(10);
    await network.set("a", { delay: "10ms", direction: "from-guest" }, 1);
    const delayed = await roundTrips(0);
    socket.destroy();
    const [plain = Number.NaN, median = Number.NaN, least = Number.NaN] = [without[100], delayed[100], delayed[0]];
    return { medianUs: median - plain - 10_000, leastUs: least - 10_000 };
  });
}

async function withSwitch<T>(
  ports: number,
  capture: boolean,
  measure: (network: Switch, directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "netloom-bench-"));
  const listening: Socket[] = [];
  try {
    await using network = new Switch(directory);
    for (let index = 0; index < ports; index++) {
      const name = index === 0 ? "a" : index === 1 ? "b" : `idle${index}`;
      const file = capture ? { capture: join(directory, `${name}.pcapng`) } : {};
      await network.open({ name, network: "x", socket: join(directory, name), ...file });
      if (index > 1) listening.push((await dial(join(directory, name))).resume());
    }
    return await measure(network, directory);
  } finally {
    for (const socket of listening) socket.destroy();
    await rm(directory, { recursive: true, force: true });
  }
}

const [mode, path] = process.argv.slice(2);
// The peers of a measurement are this file in processes of their own.
if (import.meta.main && mode !== undefined && path !== undefined) await peer(mode, path);
