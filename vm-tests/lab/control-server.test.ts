import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import type { GuestProgram, StartOptions } from "../harness/agent-client.ts";
import type { Lab } from "../harness/lab.ts";
import { ControlClient } from "./control-client.ts";
import { ControlServer } from "./control-server.ts";

/** A program in a guest that takes its input slowly, says it again at the end of it, and tells who killed it. */
class Echo {
  readonly heard: Buffer[] = [];
  killed: string | undefined;
  readonly #end = Promise.withResolvers<{ code: number; signal: null }>();

  start(options: StartOptions): GuestProgram {
    return {
      result: this.#end.promise.then((end) => ({ ...end, stdout: "", stderr: "", bytes: Buffer.alloc(0) })),
      write: async (data) => {
        await turn();
        this.heard.push(Buffer.from(data));
      },
      end: () => {
        options.onStdout?.(Buffer.concat(this.heard));
        this.#end.resolve({ code: 7, signal: null });
      },
      resize: () => {},
      kill: (why) => (this.killed = why),
    };
  }
}

/** A server for a lab whose only node "n1" runs `echo`, and for as long as the test runs. */
async function serve(
  t: ExecutionContext,
  echo: Echo,
): Promise<{ server: ControlServer; socket: string; up: () => void }> {
  const directory = await mkdtemp("/tmp/control-");
  const socket = join(directory, "control");
  const { promise, resolve } = Promise.withResolvers<Lab>();
  const node = (name: string): unknown => {
    if (name !== "n1") throw new Error(`the lab has no node "${name}"`);
    return { start: (_argv: readonly string[], options: StartOptions) => echo.start(options) };
  };
  const lab = { node, nodes: [], links: [], topology: { networks: ["lan"], nodes: {} }, artifacts: "/x", seed: 1 };
  const accel = { accel: "tcg", provenBy: "the test" };
  const server = await ControlServer.open("test", socket, promise);
  t.teardown(async () => rm(directory, { recursive: true }));
  // Only what the server asks of a lab.
  return { server, socket, up: () => resolve({ ...lab, accel } as unknown as Lab) };
}

test("input reaches a program whole and in order, however slowly it reads", async (t) => {
  const echo = new Echo();
  const { server, socket, up } = await serve(t, echo);
  up();
  const input = Array.from({ length: 200 }, (_, index) => `${index},`);
  {
    using client = await ControlClient.connect(socket);
    let said = "";
    const onData = (_stream: string, data: Buffer): void => void (said += data.toString());
    const { id, answer } = client.open({ op: "start", node: "n1", argv: ["echo"] }, { onData });
    // Nobody waits for one piece before the next, and the first is sent before the program can have started.
    for (const piece of input) void client.remark({ of: id, op: "input", data: Buffer.from(piece).toString("base64") });
    void client.remark({ of: id, op: "eof" });
    t.deepEqual(await answer, { code: 7, signal: null });
    t.is(said, input.join(""));
    await t.throwsAsync(client.ask({ op: "start", node: "n2", argv: [] }), { message: 'the lab has no node "n2"' });
  }
  await server[Symbol.asyncDispose]();
  await t.throwsAsync(stat(socket), { code: "ENOENT" });
});

test("what a client started ends with it, while others go on", async (t) => {
  const echo = new Echo();
  const { server, socket, up } = await serve(t, echo);
  up();
  using other = await ControlClient.connect(socket);
  {
    using client = await ControlClient.connect(socket);
    client.ask({ op: "start", node: "n1", argv: ["echo"] }).catch(() => {});
    await client.ask({ op: "ready" });
  }
  while (echo.killed === undefined) await turn();
  t.regex(echo.killed, /has gone/u);
  t.like(await other.ask({ op: "ready" }), { name: "test", networks: ["lan"] });
  echo.start({}).end();
  await server[Symbol.asyncDispose]();
});

test("who waits for a lab sees its log, and what it is made of when it is up", async (t) => {
  const { server, socket, up } = await serve(t, new Echo());
  server.log("before anybody asked");
  using client = await ControlClient.connect(socket);
  const log: string[] = [];
  const ready = client.ask({ op: "ready" }, { onLog: (line) => log.push(line) });
  while (log.length === 0) await turn();
  server.log("while somebody waits");
  up();
  t.like(await ready, { accelerator: "software emulation (tcg): the test" });
  t.deepEqual(log, ["before anybody asked", "while somebody waits"]);
  await client.ask({ op: "stop" });
  await server.stopAsked;
  await server[Symbol.asyncDispose]();
});

test("what is no request is answered or cut off, and harms nobody", async (t) => {
  const { server, socket, up } = await serve(t, new Echo());
  up();
  const stranger = connect(socket);
  stranger.write(`${JSON.stringify({ id: 1, op: "dance" })}\n`);
  const [answer] = (await once(stranger, "data")) as [Buffer];
  t.regex(answer.toString(), /knows no such request.*dance/u);
  stranger.write("dance\n");
  await once(stranger, "close");
  using client = await ControlClient.connect(socket);
  t.like(await client.ask({ op: "ready" }), { name: "test" });
  await server[Symbol.asyncDispose]();
});
