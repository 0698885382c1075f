// The far end of a cable and a switch around it, for tests of the switch process with real sockets and no guest.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameDecoder, encodeFrame, headerSize } from "./frame-codec.ts";
import type { PortCounters } from "./switch-messages.ts";
import { Switch } from "./switch.ts";

/** A guest at the end of a cable. */
export class Guest implements Disposable {
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

/** Asks a port for its counters until they are as awaited. */
export async function countersWhen(
  { network }: Pick<Wired, "network">,
  port: string,
  ready: (counters: PortCounters) => boolean,
): Promise<PortCounters> {
  for (;;) {
    const counters = await network.counters(port);
    if (ready(counters)) return counters;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The address of a guest by its number. */
export const address = (index: number): string => `5254${index.toString(16).padStart(8, "0")}`;
/** An Ethernet frame in hex. */
export const frame = (to: string, from: string, data: string): string => `${to}${from}88b5${data}`;
/** The broadcast address. */
export const all: string = "ffffffffffff";

/** A switch process with ports whose socket paths `path` tells. */
export type Wired = AsyncDisposable & {
  readonly network: Switch;
  readonly path: (name: string) => string;
  readonly directory: string;
};

/** Starts a switch with these ports, each captured. The first letter of a name is the network. */
export async function wire(names: readonly string[]): Promise<Wired> {
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
