/** One daemon and its neighbours: sockets, signals, directories. */
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { lan, node as nodeDocument, resource } from "../testing/builders.ts";
import { run, start } from "../testing/child.ts";
import { BINARY, SOURCE, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

for (const runtime of [SOURCE, BINARY]) {
  const title = runtime.title;

  test(`${title}: a second daemon on the same socket is refused, and the first goes on`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    // What is damaged is set aside by a daemon that starts: this one is refused before it does anything.
    await writeFile(join(node.root, "documents/damaged.yaml"), "\0");
    const second = await run(node.daemonArgv());
    t.is(second.code, 1);
    t.deepEqual(await readdir(join(node.root, "documents")), ["damaged.yaml"]);
    t.regex(second.err, /cannot listen on \S+netloom\.sock: another daemon answers there; stop it, or give --socket/u);
    t.like(await node.apply(yaml(lan("lab"))), { code: 0 });
  });

  test(`${title}: of two daemons that start at once after a crash one is refused, and the other one answers`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    for (const round of [1, 2, 3]) {
      await node.stopDaemon("SIGKILL");
      const other = start(node.daemonArgv());
      await node.startDaemon().catch(() => undefined);
      const either = await node.sandbox.until(`one to answer in round ${round}`, () =>
        node.client.status().catch(() => undefined),
      );
      await node.sandbox.until(`one to be refused in round ${round}`, async () =>
        [other.said(), node.said()].some((said) => said.includes("another daemon answers there")) ? true : undefined,
      );
      t.is((await node.client.status()).pid, either.pid);
      if (either.pid !== other.pid) continue;
      other.process.kill("SIGKILL");
      await other.ended;
      await node.startDaemon();
    }
  });

  test(`${title}: who asks while it starts is told so, and who waits for the node to be online waits for that too`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    await node.stopDaemon("SIGTERM");
    // It reads this until somebody has written it.
    const slow = join(node.sandbox.dir, "config/slow.yaml");
    await node.sandbox.output(["mkfifo", slow]);
    const started = node.startDaemon();
    const told = await node.sandbox.until("the socket to answer", async () => {
      const { code, err } = await node.netloom(["status"]);
      return /does not exist|nobody listens/u.test(err) ? undefined : { code, err };
    });
    const err = `netloom: cannot reach the daemon at ${node.socket}: it is starting; try again in a moment\n`;
    t.deepEqual(told, { code: 1, err });
    const waiting = node.netloom(["wait-online"]);
    await writeFile(slow, yaml(nodeDocument({ uplink: { mode: "none" } })));
    t.like(await waiting, { code: 0, err: "" });
    t.deepEqual(
      (await started).documents.map(({ kind }) => kind),
      ["Node"],
    );
  });

  test(`${title}: daemons of different roots, namespaces and sockets leave each other alone`, async (t) => {
    const one = await TestNode.start(t, { runtime });
    const two = await TestNode.start(t, { runtime, beside: one });
    const text = (name: string): string => yaml(lan("lab", { cidr: "10.5.0.0/24", dhcp: true }), resource(name));
    t.like(await one.apply(text("first")), { code: 0, err: "" });
    t.like(await two.apply(text("second")), { code: 0, err: "" });
    t.deepEqual(await one.apply(text("first")), { code: 0, out: "no changes\n", err: "" });
    t.deepEqual(await two.apply(text("second")), { code: 0, out: "no changes\n", err: "" });
    const served = async (node: TestNode): Promise<boolean> =>
      (await node.client.status()).processes.every(({ up }) => up);
    // An apply is done when a service has its supervisor, which starts it.
    for (const node of [one, two])
      await node.sandbox.until("its services to be up", async () => ((await served(node)) ? true : undefined));
    t.like(await one.netloom(["delete", "NetworkResource", "first"]), { code: 0, err: "" });
    t.like(await one.netloom(["delete", "Lan", "lab"]), { code: 0, err: "" });
    t.deepEqual(await two.apply(text("second")), { code: 0, out: "no changes\n", err: "" });
    t.true(await served(two));
    // What the other has is its own, whatever it is called.
    const taken = await one.apply(yaml(resource("second")));
    t.is(taken.code, 1);
    t.regex(taken.err, /namespace nsecond exists \(another Netloom daemon made it\) and is not this daemon's/u);
    t.deepEqual(await two.apply(text("second")), { code: 0, out: "no changes\n", err: "" });
  });

  test(`${title}: SIGTERM ends it at once and leaves the network, even while a client is silent`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    await node.apply(yaml(lan("lab")));
    const before = await node.links();
    const silent = await node.connect();
    t.is((await node.stopDaemon("SIGTERM")).code, 0);
    silent.destroy();
    t.deepEqual(await node.links(), before);
    t.is((await run(["test", "-e", node.socket])).code, 1, "the socket stays");
    t.like((await node.startDaemon()).lastReconcile, { outcome: "unchanged", steps: [] });
  });

  test(`${title}: only root and its group reach it, and only root reads its state`, async (t) => {
    const node = await TestNode.start(t, {
      runtime,
      prepare: async ({ root }) => void (await run(["mkdir", "-m", "755", root])),
    });
    await node.netloom(["key", "demo"]);
    await node.apply(yaml(lan("lab")));
    t.is(await mode(node.socket), "660");
    t.is(await mode(node.root), "700");
    t.is(await mode(join(node.root, "keys/demo.key")), "600");
    t.is(await mode(join(node.root, "documents/Lan-lab.yaml")), "600");
  });

  test(`${title}: --socket that names a file is refused, and the file stays`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const file = join(node.sandbox.dir, "precious");
    await writeFile(file, "precious");
    const { code, err } = await run(node.daemonArgv("--socket", file));
    t.is(code, 1);
    t.regex(err, /cannot listen on \S+precious: it exists and is no socket; give --socket another path/u);
    t.is((await run(["cat", file])).out, "precious");
  });

  test(`${title}: a place that cannot be written ends it with what to do`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const { code, err } = await run(node.daemonArgv("--root", "/dev/null/root"));
    t.is(code, 1);
    t.regex(
      err,
      /^netloom: cannot make the directory \/dev\/null\/root: ENOTDIR[^]*give --root and --runtime places that can be written\n$/u,
    );
  });

  test(`${title}: whatever is sent to the socket gets an answer with a reason, and the daemon goes on`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const { pid } = await node.client.status();
    const file = (text: string): string => JSON.stringify({ files: [{ name: "a", text }] });
    const nonsense: readonly (readonly [method: string, path: string, body: string, status: number, reason: RegExp])[] =
      [
        ["GET", "/", "", 404, /cannot answer GET \/: there is no such operation/u],
        ["GET", "/v1/apply", "", 404, /no such operation/u],
        ["POST", "/v1/apply", "{", 400, /JSON/iu],
        ["POST", "/v1/apply", "null", 400, /Invalid type/u],
        ["POST", "/v1/apply", '{"files":[{"name":1,"text":"x"}]}', 400, /Invalid type/u],
        ["POST", "/v1/apply", '{"files":[],"more":1}', 400, /Invalid key/u],
        ["POST", "/v1/plan", file("x".repeat(5 << 20)), 400, /it is larger than 4194304 bytes/u],
        ["DELETE", "/v1/documents/Lan/..%2f..%2fnode", "", 400, /may hold letters, digits/u],
        ["DELETE", "/v1/documents/lan/lab", "", 400, /is none of Node, Lan, NetworkResource/u],
        ["DELETE", "/v1/documents/Lan/%zz", "", 400, /its %-signs are wrong/u],
        ["POST", "/v1/keys/..%2fx", "", 400, /may hold letters, digits/u],
        [
          "POST",
          "/v1/plan",
          file(`a: &a [${"x,".repeat(99)}]\nb: &b [${"*a,".repeat(99)}]\nc: [${"*b,".repeat(99)}]`),
          200,
          /Excessive alias/u,
        ],
        ["POST", "/v1/plan", file("[".repeat(20_000)), 200, /issues/u],
        [
          "POST",
          "/v1/plan",
          file("__proto__: {kind: Lan}\nconstructor: 1"),
          200,
          /"key":"kind","message":"is missing/u,
        ],
      ];
    for (const [method, path, body, status, reason] of nonsense) {
      const answer = await node.request(method, path, body);
      t.is(answer.status, status, `${method} ${path}: ${answer.body.slice(0, 300)}`);
      t.regex(answer.body, reason);
    }
    t.is((await node.client.status()).pid, pid);
    t.deepEqual(await node.client.documents(), { documents: [], yaml: "" });
  });
}
