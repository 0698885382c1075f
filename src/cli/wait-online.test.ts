import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { runClientCommand } from "./run.ts";

interface Said {
  readonly code: number;
  readonly err: string;
}

function waitOnline(...words: string[]): Promise<Said> {
  return waitAt("/nobody/is/here", ...words);
}

async function waitAt(socket: string, ...words: string[]): Promise<Said> {
  let err = "";
  const output = { out: () => undefined, err: (text: string) => void (err += text) };
  const code = await runClientCommand(["wait-online", ...words], { NETLOOM_SOCKET: socket }, output);
  return { code, err };
}

test("a timeout that is no number of seconds, or a word too many, is refused", async (t) => {
  for (const words of [["--timeout", "soon"], ["--timeout=-1"], ["--timeout="], ["zos"], ["--json"]])
    t.is((await waitOnline(...words)).code, 2, words.join(" "));
});

test("without a daemon it waits for one until its time is over, and says so", async (t) => {
  const { code, err } = await waitOnline("--timeout", "0.1");
  t.is(code, 1);
  t.regex(
    err,
    /^netloom: cannot wait until the node is online: it was not within 0\.1 s: cannot reach the daemon at \/nobody\/is\/here: /u,
  );
});

test("a daemon that is killed while it answers is waited for like one that is not there", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "netloom-wait-"));
  const socket = join(directory, "netloom.sock");
  const whole = JSON.stringify({ online: true, why: "" });
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${whole.length}\r\nconnection: close\r\n\r\n`;
  let asked = 0;
  const daemon = createServer((connection) => {
    connection
      .on("error", () => undefined)
      .once("data", () => {
        asked += 1;
        connection.end(`${head}${asked === 1 ? whole.slice(0, 5) : whole}`);
      });
  }).listen(socket);
  t.teardown(() => {
    daemon.close();
    return rm(directory, { recursive: true });
  });
  await once(daemon, "listening");
  t.deepEqual(await waitAt(socket), { code: 0, err: "" });
  t.is(asked, 2);
});
