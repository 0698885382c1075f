/** Configuration by the kernel command line. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import test from "ava";
import { lan, node as nodeDocument, resource, testKey } from "../testing/builders.ts";
import { BINARY, SOURCE, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const LAB = yaml(lan("lab", { cidr: "10.5.0.0/24" }));
const none = nodeDocument({ uplink: { mode: "none", ignore: [] } });
const inline = (bytes: Uint8Array | string): string =>
  `netloom.config=inline:${Buffer.from(bytes).toString("base64url")}`;
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

const problems = async (node: TestNode): Promise<string> => (await node.client.status()).problems.join("\n");

/** What the node says once all of this is in it: a server that did not answer in time is asked again. */
const refused = (node: TestNode, reasons: readonly (string | RegExp)[]): Promise<string> =>
  node.sandbox.until(`the refusals ${reasons.join(", ")}`, async () => {
    const text = await problems(node);
    const isSaid = (reason: string | RegExp): boolean =>
      typeof reason === "string" ? text.includes(reason) : reason.test(text);
    return reasons.every(isSaid) ? text : undefined;
  });

for (const runtime of [SOURCE, BINARY]) {
  test(`${runtime.title}: documents come from inline words, plain and zstd, and a later one wins`, async (t) => {
    const words = [
      inline(LAB),
      inline(zstdCompressSync(yaml(lan("packed", { cidr: "10.6.0.0/24" })))),
      // As base64(1) prints it.
      `netloom.config=inline:${Buffer.from(yaml(lan("lab", { cidr: "10.7.0.0/24" }))).toString("base64")}`,
    ];
    const node = await TestNode.start(t, { runtime, cmdline: `quiet ${words.join(" ")} ro` });
    t.is(await problems(node), "");
    t.regex(await node.sandbox.ip("-o -4 address show l-lab"), /10\.7\.0\.1\/24/u);
    t.regex(await node.sandbox.ip("-o -4 address show l-packed"), /10\.6\.0\.1\/24/u);
    const { err } = await node.netloom(["delete", "Lan", "lab"]);
    t.regex(err, /it comes from the kernel command line; change it there/u);
  });

  test(`${runtime.title}: words that cannot be honoured are named with their reason, and the others hold`, async (t) => {
    const packed = zstdCompressSync(LAB);
    const words = [
      "netloom.config=inline:@@@",
      inline(packed.subarray(0, packed.length - 3)),
      inline(Buffer.from([0xc3, 0x28, 0xff])),
      "netloom.config=http://192.0.2.1/config.yaml",
      "netloom.config=ftp://192.0.2.1/config.yaml",
      "netloom.config=fw_cfg:../../etc/passwd",
      "netloom.config=fw_cfg:opt/nothing",
      inline("apiVersion: netloom/v1\nkind: Lan\nname: bad\ncdir: 1\n"),
      inline(yaml(lan("fine", { cidr: "10.8.0.0/24" }))),
    ];
    const node = await TestNode.start(t, { runtime, cmdline: words.join(" ") });
    const said = await problems(node);
    for (const reason of [
      /netloom\.config=inline:@@@ rejected: what follows inline: is not base64/u,
      /cannot read the configuration netloom\.config=inline:\S+: its zstd frame is damaged or too large/u,
      /cannot read the configuration netloom\.config=inline:wyj_: it is neither UTF-8 text nor a zstd frame/u,
      /netloom\.config=http:\S+ rejected: a URL needs the digest of its content or the key that signed it: append #sha256=HEX/u,
      /netloom\.config=ftp:\S+ rejected: begins with none of inline:, http:\/\/, https:\/\/, fw_cfg:/u,
      /netloom\.config=fw_cfg:\.\.\/\.\.\/etc\/passwd rejected/u,
      /cannot read the configuration netloom\.config=fw_cfg:opt\/nothing: the machine's firmware has no such file/u,
      /netloom\.config=inline:\S+:4: cdir is not a known key, did you mean cidr\?/u,
    ])
      t.regex(said, reason);
    t.regex(
      (await node.netloom(["status"])).out,
      /^problem {3}kernel command line: netloom\.config=inline:@@@ rejected/mu,
    );
    t.true((await node.links()).includes("l-fine"));
    t.like(await node.apply(LAB), { code: 0, err: "" });
  });

  test(`${runtime.title}: a URL is used once the node is online, if its content has the digest that was named`, async (t) => {
    const good = LAB;
    const evil = yaml(lan("evil", { cidr: "10.9.0.0/24" }));
    const words = [
      inline(yaml(none)),
      `netloom.config=http://127.0.0.1:8080/good.yaml#sha256=${digest(good)}`,
      `netloom.config=http://127.0.0.1:8080/evil.yaml#sha256=${digest(good)}`,
      `netloom.config=http://127.0.0.1:8080/endless#sha256=${digest(good)}`,
    ];
    const node = await TestNode.start(t, {
      runtime,
      cmdline: words.join(" "),
      prepare: async ({ sandbox }) => {
        const site = join(sandbox.dir, "site");
        await mkdir(site);
        await writeFile(join(site, "good.yaml"), good);
        await writeFile(join(site, "evil.yaml"), evil);
        await writeFile(join(site, "endless"), Buffer.alloc(8 << 20, "#"));
        sandbox.start(["busybox", "httpd", "-f", "-p", "127.0.0.1:8080", "-h", site]);
      },
    });
    await node.sandbox.until("the document by URL", async () =>
      (await node.links()).includes("l-lab") ? true : undefined,
    );
    const said = await refused(node, [
      `its SHA-256 is ${digest(evil)}, not the one on the command line; nothing of it was applied`,
      /endless\S*: it is larger than 1048576 bytes/u,
    ]);
    t.false(said.includes("good.yaml"), said);
    t.false((await node.links()).includes("l-evil"));
  });
}

test("a URL's content is used when the key of the command line signed it, and another key, a changed text or no signature is refused", async (t) => {
  const owner = generateKeyPairSync("ed25519");
  const stranger = generateKeyPairSync("ed25519");
  const key = owner.publicKey.export({ format: "jwk" }).x ?? "";
  const signed = (text: string, by = owner): Buffer => sign(null, Buffer.from(text), by.privateKey);
  const [second, evil] = [yaml(lan("second", { cidr: "10.6.0.0/24" })), yaml(lan("evil", { cidr: "10.9.0.0/24" }))];
  const files = {
    "good.yaml": LAB,
    "good.yaml.sig": signed(LAB),
    "second.yaml": second,
    "second.yaml.sig": `${signed(second).toString("base64")}\n`,
    "forged.yaml": evil,
    "forged.yaml.sig": signed(evil, stranger),
    "changed.yaml": evil,
    "changed.yaml.sig": signed(LAB),
    "short.yaml": evil,
    "short.yaml.sig": "c2lnbmF0dXJl",
    "unsigned.yaml": evil,
  };
  const names = ["good", "second", "forged", "changed", "short", "unsigned"];
  const words = names.map((name) => `netloom.config=http://127.0.0.1:8080/${name}.yaml#ed25519=${key}`);
  const node = await TestNode.start(t, {
    cmdline: [inline(yaml(none)), ...words].join(" "),
    prepare: async ({ sandbox }) => {
      const site = join(sandbox.dir, "site");
      await mkdir(site);
      for (const [name, content] of Object.entries(files)) await writeFile(join(site, name), content);
      sandbox.start(["busybox", "httpd", "-f", "-p", "127.0.0.1:8080", "-h", site]);
    },
  });
  await node.sandbox.until("both documents", async () => {
    const links = await node.links();
    return links.includes("l-lab") && links.includes("l-second") ? true : undefined;
  });
  const said = await refused(node, [
    ...["forged", "changed"].map(
      (name) => `${name}.yaml.sig was not made by the key on the command line; nothing of it was applied`,
    ),
    "short.yaml.sig is no ed25519 signature (64 bytes, as they are or in base64)",
    "the server answered 404 for http://127.0.0.1:8080/unsigned.yaml.sig",
  ]);
  for (const name of ["good", "second"]) t.false(said.includes(`${name}.yaml`), said);
  t.false((await node.links()).includes("l-evil"));
});

test("a server that comes up later is asked again", async (t) => {
  const node = await TestNode.start(t, {
    cmdline: `${inline(yaml(none))} netloom.config=http://127.0.0.1:8080/good.yaml#sha256=${digest(LAB)}`,
  });
  await node.sandbox.until("the first failure", async () =>
    (await problems(node)).includes("ECONNREFUSED") ? true : undefined,
  );
  await writeFile(join(node.sandbox.dir, "good.yaml"), LAB);
  node.sandbox.start(["busybox", "httpd", "-f", "-p", "127.0.0.1:8080", "-h", node.sandbox.dir]);
  await node.sandbox.until("the document by URL", async () =>
    (await node.links()).includes("l-lab") ? true : undefined,
  );
  t.is(await node.sandbox.until("the problem to go", async () => ((await problems(node)) === "" ? "" : undefined)), "");
});

test("a private key on the command line, which everyone can read, is refused by name", async (t) => {
  const demo = resource("demo", { wireguard: { privateKey: testKey("planted"), listenPort: 51820, peers: [] } });
  const node = await TestNode.start(t, { cmdline: inline(yaml(demo, lan("lab", { cidr: "10.5.0.0/24" }))) });
  t.regex(
    await problems(node),
    /NetworkResource demo rejected: every user of this machine can read its wireguard\.privateKey there; leave the key out/u,
  );
  t.deepEqual(await node.links("ndemo").catch(() => "absent"), "absent");
  t.true((await node.links()).includes("l-lab"));
});
