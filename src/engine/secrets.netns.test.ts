/** A private key that is given in a document appears in its 0600 file, and nowhere else. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { lan, resource, testKey } from "../testing/builders.ts";
import { BINARY, SOURCE, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

/** A valid private key that can be searched for. */
const PLANTED = testKey("planted");
/** As raw bytes it looks otherwise. */
const FORMS = [PLANTED, PLANTED.slice(0, 20), Buffer.from(PLANTED, "base64").toString("hex")];

const demo = resource("demo", { wireguard: { privateKey: PLANTED, listenPort: 51820, peers: [] } });

/** Files below a directory that hold the key, with their modes. */
async function filesWithKey(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const text = await readFile(path, "latin1").catch(() => "");
      // A file that is being written goes while it is looked at.
      const seen = await stat(path).catch(() => undefined);
      if (seen === undefined) return [];
      const mode = (seen.mode & 0o777).toString(8);
      return FORMS.some((form) => text.includes(form)) ? [`${path.slice(directory.length)} ${mode}`] : [];
    });
  return (await Promise.all(found)).flat().toSorted();
}

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: no command, log, process or other file tells a key that a document brought`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const said: string[] = [];
    const lab = lan("lab", { cidr: "10.5.0.0/24", dhcp: true });
    const commands: readonly (readonly [readonly string[], string?])[] = [
      [["plan", "-"], yaml(lab, demo)],
      [["apply", "-"], yaml(lab, demo)],
      [["show"]],
      [["show", "--json"]],
      [["status"]],
      [["status", "--json"]],
      [["key", "demo"]],
      // Mistakes around it, as people make them.
      [["apply", "-"], `${yaml(demo)}oops: 1\n`],
      [["apply", "-"], yaml(demo).replace("listenPort: 51820", "listenPort: 0")],
      [["apply", "-"], yaml(demo).replace("privateKey: ", "privateKey: x")],
      [["apply", "-"], yaml(demo).replace("privateKey: ", "privateKey:\t'")],
      [["apply", "-"], yaml(demo).replace("privateKey: ", "PrivateKey: ")],
      [
        ["apply", "-"],
        yaml(demo)
          .replace(/privateKey: .*/u, `privateKey: *${PLANTED.slice(0, 30)}`)
          .replaceAll("=", ""),
      ],
      [["apply", "-"], yaml(lab, demo)],
    ];
    for (const [words, input] of commands) {
      const { out, err } = await node.netloom(words, input);
      said.push(`${words.join(" ")}: ${out}${err}`);
      said.push([...(await node.sandbox.processes()).values()].join("\n"));
    }
    said.push(node.said());
    t.deepEqual(
      said.filter((text) => FORMS.some((form) => text.includes(form))),
      [],
    );
    t.deepEqual(await filesWithKey(node.sandbox.dir), ["/root/keys/demo.key 600"]);
    // It is the key that is used.
    const own = (await node.netloom(["key", "demo"])).out.trim();
    t.is(own, await node.sandbox.run(["wg", "pubkey"], { input: PLANTED }).then(({ out }) => out.trim()));
    t.like(await node.netloom(["delete", "NetworkResource", "demo"]), { code: 0, err: "" });
    t.deepEqual(await filesWithKey(node.sandbox.dir), []);
  });
}

test("what is shown of a document with a key is accepted again and changes nothing", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(demo));
  const shown = (await node.netloom(["show"])).out;
  t.regex(shown, /listenPort: 51820/u);
  await node.apply(shown);
  t.is((await node.netloom(["show"])).out, shown);
  const own = (await node.netloom(["key", "demo"])).out.trim();
  t.is(own, await node.sandbox.run(["wg", "pubkey"], { input: PLANTED }).then(({ out }) => out.trim()));
});

test("a key in a document of the configuration directory is used, and not shown", async (t) => {
  const node = await TestNode.start(t, { config: { "demo.yaml": yaml(demo) } });
  t.false((await node.netloom(["show"])).out.includes(PLANTED));
  const own = (await node.netloom(["key", "demo"])).out.trim();
  t.is(own, await node.sandbox.run(["wg", "pubkey"], { input: PLANTED }).then(({ out }) => out.trim()));
  t.deepEqual(await filesWithKey(node.root), ["/keys/demo.key 600"]);
});

test("a plan makes no key, and two that ask for one at once get the same", async (t) => {
  const node = await TestNode.start(t);
  const planned = await node.netloom(
    ["plan", "-"],
    yaml(resource("demo", { wireguard: { listenPort: 51820, peers: [] } })),
  );
  t.regex(planned.out, /wg set w-demo listen-port 51820 private-key \(of a key that apply makes\)\n/u);
  t.deepEqual(await readdir(join(node.root, "keys")).catch(() => []), []);
  const keys = await Promise.all(Array.from({ length: 8 }, () => node.client.publicKey("demo")));
  t.is(new Set(keys).size, 1);
  t.is(
    keys[0],
    await node.sandbox
      .run(["sh", "-c", `wg pubkey <${join(node.root, "keys/demo.key")}`])
      .then(({ out }) => out.trim()),
  );
});
