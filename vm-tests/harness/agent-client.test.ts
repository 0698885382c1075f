import { duplexPair } from "node:stream";
import test from "ava";
import { AgentClient } from "./agent-client.ts";
import { LineSplitter } from "./lines.ts";

type Asked = {
  readonly id: number;
  readonly op: string;
  readonly argv?: readonly string[];
  readonly stdin?: string;
  readonly data?: string;
};

/** A client and the far end of its port, where the test plays the agent. */
function connect(): {
  client: AgentClient;
  asked: () => Promise<Asked>;
  say: (...lines: readonly unknown[]) => void;
  hangUp: () => void;
} {
  const [near, far] = duplexPair();
  const queue: Asked[] = [];
  let wake = (): void => {};
  const splitter = new LineSplitter((line) => {
    if (line !== "") queue.push(JSON.parse(line) as Asked);
    wake();
  });
  far.on("data", (chunk: Buffer) => splitter.push(chunk));
  const asked = async (): Promise<Asked> => {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const say = (...lines: readonly unknown[]): void => {
    for (const line of lines) far.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`);
  };
  return { client: new AgentClient(near), asked, say, hangUp: () => near.destroy() };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const hello = (bootId: string): unknown => ({ hello: { stage: "up", bootId, uptime: 2, version: "0" } });

test("keeps the answers of programs that run at the same time apart", async (t) => {
  const { client, asked, say } = connect();
  const [one, two] = [client.exec(["one"], { stdin: "in" }), client.exec(["two"])];
  const [first, second] = [await asked(), await asked()];
  t.like(first, { op: "exec", argv: ["one"], stdin: base64("in") });
  say({ id: second.id, stream: "stdout", data: base64("2") }, { id: first.id, stream: "stderr", data: base64("1") });
  say(
    "\u0000torn rest of a line",
    { id: 999, exit: 0 },
    { id: first.id, exit: 3, signal: null },
    { id: second.id, exit: null, signal: 9 },
  );
  t.like(await one, { code: 3, signal: null, stdout: "", stderr: "1" });
  t.like(await two, { code: null, signal: 9, stdout: "2", stderr: "" });
});

test("kills what takes too long or says too much, and shows what it had said", async (t) => {
  const { client, asked, say } = connect();
  const slow = new AbortController();
  const waiting = client.exec(["slow"], { signal: slow.signal });
  const { id } = await asked();
  say({ id, stream: "stdout", data: base64("half done") });
  slow.abort(new Error("no patience"));
  await t.throwsAsync(waiting, { message: /"slow" in the guest was killed: no patience/ });
  t.deepEqual(await asked(), { id, op: "kill" });
  const chatty = client.exec(["yes"], { maxOutput: 4 });
  const request = await asked();
  say({ id: request.id, stream: "stdout", data: base64("yyyyy") });
  await t.throwsAsync(chatty, { message: /more than 4 bytes; it had said:\nyyyyy/ });
});

test("ends what ran in a boot that is over, and greets the next", async (t) => {
  const { client, asked, say } = connect();
  say(hello("a"));
  t.is((await client.greeting(AbortSignal.timeout(5000))).bootId, "a");
  const running = client.exec(["sleep"]);
  await asked();
  client.forgetBoot();
  await t.throwsAsync(running, { message: /restarted/ });
  const next = client.greeting(AbortSignal.timeout(5000));
  say(hello("b"));
  t.is((await next).bootId, "b");
});

test("cuts a large file into pieces, and fails when QEMU ends", async (t) => {
  const { client, asked, say, hangUp } = connect();
  const writing = client.writeFile("/tmp/x", Buffer.alloc(600 * 1024), 0o600);
  for (const append of [false, true]) {
    const request = await asked();
    t.like(request, { op: "write", path: "/tmp/x", append, mode: 0o600 });
    say({ id: request.id, exit: 0, signal: null });
  }
  await writing;
  const orphan = client.readFile("/etc/hostname");
  await asked();
  hangUp();
  await t.throwsAsync(orphan, { message: /QEMU/ });
  await t.throwsAsync(client.exec(["true"]), { message: /QEMU has ended/ });
});

test("streams both outputs as they come and keeps none of what was streamed", async (t) => {
  const { client, asked, say } = connect();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const running = client.exec(["talk"], {
    maxOutput: 4,
    onStdout: (chunk) => {
      seen.push(chunk.toString());
      first.resolve();
    },
  });
  const { id } = await asked();
  say({ id, stream: "stdout", data: base64("far more than four") });
  await first.promise;
  t.deepEqual(seen, ["far more than four"]);
  say({ id, stream: "stderr", data: base64("kept") }, { id, exit: 0, signal: null });
  t.like(await running, { code: 0, stdout: "", stderr: "kept" });
});

test("gives a program its input as there is room, its end, and the size of its terminal", async (t) => {
  const { client, asked, say } = connect();
  const program = client.start(["cat"], { pty: { rows: 24, columns: 80 } });
  const { id, ...request } = await asked();
  t.deepEqual(request, { op: "exec", argv: ["cat"], pty: { rows: 24, columns: 80 }, streamInput: true } as object);
  let written = false;
  const writing = program.write(Buffer.alloc(300 * 1024, "x")).then(() => (written = true));
  const pieces = [await asked(), await asked(), await asked(), await asked()];
  t.is(pieces.map(({ data = "" }) => Buffer.from(data, "base64").length).join(), "65536,65536,65536,65536");
  t.false(written, "more than the window is on its way");
  say({ id, taken: 65_536 });
  t.like(await asked(), { op: "input", data: Buffer.alloc(300 * 1024 - 4 * 65_536, "x").toString("base64") });
  await writing;
  program.resize({ rows: 50, columns: 132 });
  t.deepEqual(await asked(), { id, op: "resize", rows: 50, columns: 132 } as Asked);
  program.end();
  t.deepEqual(await asked(), { id, op: "eof" });
  say({ id, exit: 0, signal: null });
  t.is((await program.result).code, 0);
  await program.write("nobody reads this");
});

test("feeds a stream to a program, and kills it when the stream breaks", async (t) => {
  const { client, asked, say } = connect();
  async function* broken(): AsyncGenerator<string> {
    yield "one";
    await Promise.resolve();
    throw new Error("the disk is gone");
  }
  const running = client.exec(["cat"], { stdin: broken() });
  const { id } = await asked();
  t.like(await asked(), { id, op: "input", data: base64("one") });
  say({ id, taken: 3 });
  await t.throwsAsync(running, { message: /"cat" in the guest was killed: its input failed: the disk is gone/ });
  t.like(await asked(), { id, op: "kill" });
});
