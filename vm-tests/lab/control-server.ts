import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { type Server, type Socket, createServer } from "node:net";
import { describeError } from "../../src/lib/errors.ts";
import type { GuestProgram } from "../harness/agent-client.ts";
import { describeAccelerator } from "../harness/accel.ts";
import type { Lab } from "../harness/lab.ts";
import { LabError } from "../harness/lab-error.ts";
import { LineSplitter } from "../harness/lines.ts";
import { formatLinkProperties, parseLinkWords } from "../harness/link-words.ts";
import type { ControlReply, ControlRequest, LabDescription } from "./messages.ts";

/** One connection: what it started in guests ends with it. */
type Client = { readonly socket: Socket; readonly programs: Map<number, StartedProgram> };

/** A program, and all that it was told so far: pieces of input must not overtake each other. */
type StartedProgram = { readonly program: Promise<GuestProgram>; told: Promise<void> };

/**
 * Lets others look into a lab and change it, by a unix socket that only its user can reach (its directory is 0700). Several
 * clients may be there at once. It may be opened before the lab is up: then `ready` waits, and shows what is logged.
 */
export class ControlServer implements AsyncDisposable {
  /** Resolves when a client asked for the end of the lab. */
  readonly stopAsked: Promise<void>;
  readonly #name: string;
  readonly #lab: Promise<Lab>;
  readonly #server: Server;
  readonly #clients = new Set<Client>();
  readonly #answering = new Set<Promise<void>>();
  readonly #logged: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  readonly #askToStop: () => void;

  private constructor(name: string, lab: Promise<Lab>) {
    this.#name = name;
    this.#lab = lab;
    // Who asks is told; nobody may ask.
    lab.catch(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopAsked = promise;
    this.#askToStop = resolve;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on `path` for a lab that is there or about to be. */
  static async open(name: string, path: string, lab: Promise<Lab>): Promise<ControlServer> {
    const control = new ControlServer(name, lab);
    control.#server.listen(path);
    await once(control.#server, "listening");
    await chmod(path, 0o600);
    return control;
  }

  /** A line for all who wait for the lab to be ready, and for those who will. */
  log(line: string): void {
    this.#logged.push(line);
    for (const listener of this.#listeners) listener(line);
  }

  /** Hangs up, when all have their answers, and removes the socket. The lab has ended by then, or failed to start. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await Promise.all(this.#answering);
    for (const { socket } of this.#clients) socket.destroySoon();
    await closed;
  }

  #accept(socket: Socket): void {
    const client: Client = { socket, programs: new Map() };
    this.#clients.add(client);
    const splitter = new LineSplitter((line) => this.#receive(client, JSON.parse(line) as ControlRequest));
    socket.on("data", (chunk: Buffer) => {
      try {
        splitter.push(chunk);
      } catch {
        // No client of ours.
        socket.destroy();
      }
    });
    // An error is followed by close.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#clients.delete(client);
      for (const { program: started } of client.programs.values())
        started.then((program) => program.kill("the one who started it has gone")).catch(() => {});
    });
  }

  #receive(client: Client, request: ControlRequest): void {
    const say = (reply: ControlReply): void => void client.socket.write(`${JSON.stringify(reply)}\n`);
    if ("of" in request) {
      const started = client.programs.get(request.of);
      if (started === undefined) return;
      started.told = started.told
        .then(async () => remark(await started.program, request))
        .catch(() => {})
        .finally(() => say({ id: request.of, taken: request.op }));
      return;
    }
    const { id } = request;
    const answering = this.#answer(client, request, say).then(
      (result) => say({ id, result }),
      (error: unknown) => say({ id, error: error instanceof LabError ? error.message : describeError(error) }),
    );
    this.#answering.add(answering);
    void answering.finally(() => this.#answering.delete(answering));
  }

  async #answer(
    client: Client,
    request: Exclude<ControlRequest, { readonly of: number }>,
    say: (reply: ControlReply) => void,
  ): Promise<unknown> {
    switch (request.op) {
      case "stop":
        this.#askToStop();
        return null;
      case "ready":
        return this.#ready((log) => say({ id: request.id, log }));
      case "start":
        return this.#start(client, request, say);
      case "link":
        return this.#link(request.link, request.words);
      case "capture": {
        const lab = await this.#lab;
        const { capture } = lab.link(request.link);
        await lab.flush();
        return capture;
      }
    }
    // A client of another version: its words are its own.
    throw new Error(`this lab knows no such request: ${JSON.stringify(request)}`);
  }

  async #ready(onLog: (line: string) => void): Promise<LabDescription> {
    for (const line of this.#logged) onLog(line);
    this.#listeners.add(onLog);
    try {
      return describeLab(this.#name, await this.#lab);
    } finally {
      this.#listeners.delete(onLog);
    }
  }

  async #start(
    { programs }: Client,
    { id, node, argv, cwd, env, pty }: Extract<ControlRequest, { readonly op: "start" }>,
    say: (reply: ControlReply) => void,
  ): Promise<unknown> {
    const program = this.#lab.then((lab) =>
      lab.node(node).start(argv, {
        ...(cwd === undefined ? {} : { cwd }),
        ...(env === undefined ? {} : { env }),
        ...(pty === undefined ? {} : { pty }),
        onStdout: (data) => say({ id, stream: "stdout", data: data.toString("base64") }),
        onStderr: (data) => say({ id, stream: "stderr", data: data.toString("base64") }),
      }),
    );
    // Before anything is awaited: its input may be in the very next line.
    programs.set(id, { program, told: Promise.resolve() });
    try {
      const { code, signal } = await (await program).result;
      return { code, signal };
    } finally {
      programs.delete(id);
    }
  }

  async #link(name: string, words: readonly string[]): Promise<string> {
    const lab = await this.#lab;
    const link = lab.link(name);
    if (words.length === 0) return formatLinkProperties(link.properties);
    const parsed = parseLinkWords(words);
    if ("issues" in parsed) throw new Error(parsed.issues.join("\n"));
    await lab.setLink(name, parsed.properties);
    return formatLinkProperties(lab.link(name).properties);
  }
}

async function remark(program: GuestProgram, request: Extract<ControlRequest, { readonly of: number }>): Promise<void> {
  switch (request.op) {
    case "input":
      await program.write(Buffer.from(request.data, "base64"));
      break;
    case "eof":
      program.end();
      break;
    case "resize":
      program.resize(request.size);
      break;
  }
}

function describeLab(name: string, lab: Lab): LabDescription {
  return {
    name,
    artifacts: lab.artifacts,
    seed: lab.seed,
    accelerator: describeAccelerator(lab.accel),
    networks: lab.topology.networks,
    nodes: lab.nodes.map(({ name: node, running }) => ({
      ...{ name: node, running },
      agent: lab.topology.nodes[node]?.agent !== false,
    })),
    links: lab.links.map(({ name: link, node, nic, network, mac, properties }) => ({
      ...{ name: link, node, nic, network, mac },
      properties: formatLinkProperties(properties),
    })),
  };
}
