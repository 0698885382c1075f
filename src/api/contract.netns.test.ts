/** The command contract (DESIGN.md section 6), under both runtimes that it is used with. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { parseDocuments } from "../plan/parse-documents.ts";
import { lan, resource } from "../testing/builders.ts";
import { BINARY, SOURCE, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const lab = lan("lab", { cidr: "10.5.0.0/24" });
const LAB = yaml(lab);

for (const runtime of [SOURCE, BINARY]) {
  const title = runtime.title;

  test(`${title}: apply prints its steps, once more says no changes, delete takes it all back`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const empty = await node.snapshot();
    const planned = await node.netloom(["plan", "-"], LAB);
    t.is(planned.code, 0);
    t.regex(planned.out, /^ip link add l-lab address \S+ up type bridge\n[^]*\n4 steps to take\n$/u);
    t.is(await node.snapshot(), empty, "plan changed something");

    const applied = await node.apply(LAB);
    t.like(applied, { code: 0, err: "" });
    t.is(applied.out.replace(/taken in \d+ ms/u, "to take"), planned.out, "apply did something else than plan said");
    t.true((await node.links()).includes("l-lab"));
    t.deepEqual(await node.apply(LAB), { code: 0, out: "no changes\n", err: "" });
    t.deepEqual(await node.netloom(["plan", "-"], LAB), { code: 0, out: "no changes\n", err: "" });

    t.like(await node.netloom(["delete", "lan", "lab"]), { code: 0, err: "" });
    t.is(await node.snapshot(), empty, "delete left something");
  });

  test(`${title}: what show prints is what apply takes, and JSON says the same`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    t.deepEqual(await node.netloom(["show"]), { code: 0, out: "", err: "" });
    await node.apply(yaml(lab, resource("demo")));
    const shown = await node.netloom(["show"]);
    t.deepEqual(await node.apply(shown.out), { code: 0, out: "no changes\n", err: "" });
    const { documents } = parseDocuments([{ name: "show", text: shown.out }]);
    t.deepEqual(documents, [lab, resource("demo")]);
    t.deepEqual(JSON.parse((await node.netloom(["show", "--json"])).out), documents);
    t.deepEqual(JSON.parse((await node.netloom(["show", "lan", "lab", "--json"])).out), [lab]);
    const status = JSON.parse((await node.netloom(["status", "--json"])).out) as Record<string, unknown>;
    t.like(status, { online: false, uplink: null, problems: [], lastReconcile: { outcome: "unchanged" } });
    t.regex(
      (await node.netloom(["status"])).out,
      /^node {6}\S+, netloom \S+, offline\nuplink {4}none\n(?:online|clock|state) [^]*\ndocument {2}Lan lab /u,
    );
  });

  test(`${title}: a text with mistakes is refused whole, each with file, line, key and what was meant`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const file = join(node.sandbox.dir, "net.yaml");
    await writeFile(file, `${LAB}---\napiVersion: netloom/v1\nkind: Lan\nname: two\ncdir: 10.6.0.0/24\n`);
    const { code, out, err } = await node.netloom(["apply", file]);
    t.is(code, 1);
    t.is(out, "");
    t.true(err.includes(`${file}:14: cdir is not a known key, did you mean cidr?\n`), err);
    t.regex(err, /net\.yaml:\d+: cidr is missing\n[^]*refused: nothing was changed\n$/u);
    t.is((await node.netloom(["show"])).out, "");
    t.deepEqual(await readdir(join(node.root, "documents")), []);
    t.false((await node.links()).includes("l-lab"));
  });

  test(`${title}: a conflict is refused with both owners, and nothing of the text is kept`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    await node.sandbox.ip("link add eth7 type veth peer name eth8");
    // What can be refused is what the daemon has heard of.
    await node.sandbox.until("the daemon to know of the NIC", async () =>
      (await node.client.status()).decision.some(({ nic }) => nic === "eth7") ? true : undefined,
    );
    const mesh = { listenPort: 51820, peers: [] };
    await node.apply(yaml(lan("one", { cidr: "10.5.0.0/16", nics: ["eth7"] }), lan("other", { cidr: "10.9.0.0/24" })));
    const refusals: readonly (readonly [string, RegExp])[] = [
      [
        yaml(lan("two", { cidr: "10.5.7.0/24" })),
        /Lan one \(10\.5\.0\.0\/16\) and Lan two \(10\.5\.7\.0\/24\) overlap/u,
      ],
      [yaml(lan("two", { cidr: "10.6.0.0/24", nics: ["eth*"] })), /Lan two and Lan one both claim link eth7/u],
      [
        yaml(resource("a", { wireguard: mesh }), resource("b", { wireguard: mesh })),
        /NetworkResource b and NetworkResource a both listen on UDP port 51820/u,
      ],
    ];
    for (const [text, reason] of refusals) {
      const { code, err } = await node.apply(text);
      t.is(code, 1, err);
      t.regex(err, reason);
    }
    const { out } = await node.netloom(["show", "--json"]);
    t.deepEqual(
      (JSON.parse(out) as { name: string }[]).map(({ name }) => name),
      ["one", "other"],
    );
  });

  test(`${title}: a command line that makes no sense ends with 2 and says what was meant`, async (t) => {
    const node = await TestNode.start(t, { runtime });
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["aply", "x"], /'aply' is no command, did you mean apply\?/u],
      [["apply"], /name at least one file/u],
      [["apply", "-", "--json"], /takes no --json/u],
      [["delete", "lan"], /a kind and a name/u],
      [["delete", "Lna", "lab"], /'Lna' is no kind of document, did you mean Lan\?/u],
      [["status", "lab"], /status takes no words/u],
      [["show", "--jsn"], /--jsn/u],
      [["daemon", "--rot", "/x"], /--rot/u],
      [[], /no command given/u],
    ];
    for (const [words, reason] of cases) {
      const { code, err } = await node.netloom(words);
      t.is(code, 2, `${words.join(" ")}: ${err}`);
      t.regex(err, reason);
    }
  });

  test(`${title}: what cannot be done ends with 1 and says why`, async (t) => {
    const node = await TestNode.start(t, { runtime, config: { "lab.yaml": LAB } });
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["apply", "/nowhere.yaml"], /cannot read \/nowhere\.yaml: there is no such file/u],
      [["delete", "Lan", "nosuch"], /cannot delete Lan nosuch: there is no such document/u],
      [["show", "Lan", "nosuch"], /cannot show Lan nosuch: there is no such document/u],
      [["delete", "Lan", "lab"], /it comes from the configuration directory; change it there/u],
      [["status", "--socket", "/nowhere.sock"], /cannot reach the daemon at \/nowhere\.sock: [^]*netloom daemon/u],
    ];
    for (const [words, reason] of cases) {
      const { code, err } = await node.netloom(words);
      t.is(code, 1, err);
      t.regex(err, reason);
    }
    t.true((await node.links()).includes("l-lab"));
  });
}
