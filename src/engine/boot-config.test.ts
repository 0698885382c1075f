import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import test from "ava";
import { readConfig } from "./boot-config.ts";

test("a server that says nothing is not waited for when the daemon is to end", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/node.yaml`;
  const proof = { type: "sha256", digest: "0".repeat(64) } as const;
  const stop = new AbortController();
  const read = readConfig({ type: "url", word: `netloom.config=${url}`, url, proof }, stop.signal);
  const [connection] = await once(server, "connection");
  stop.abort(new Error("the daemon is to end"));
  await t.throwsAsync(read, { message: /^cannot read the configuration netloom\.config=\S+: the daemon is to end; /u });
  connection.destroy();
});
