/** Tables that we load by netlink against the same tables loaded by `nft`: it must read them back as its own. */
import { basename } from "node:path";
import { join } from "node:path";

import test, { type ExecutionContext } from "ava";

import type { NftSpec } from "../model/kernel.ts";
import { compileNodeFirewall } from "../plan/node-firewall.ts";
import { output } from "../testing/child.ts";
import { freshNetns } from "../testing/fresh-netns.ts";
import { Netlink } from "./addon.ts";
import { inNetns } from "./exec.ts";
import { loadTable } from "./nft.ts";

/** A namespace that lives as long as the test, by its name, and sockets in it. */
async function opened(t: ExecutionContext): Promise<{ readonly name: string; readonly netlink: Netlink }> {
  const path = await freshNetns(t);
  const netlink = await Netlink.open(path);
  t.teardown(() => netlink.close());
  return { name: basename(path), netlink };
}

async function nft(netns: string, argv: readonly string[], input?: string): Promise<string> {
  return await output(inNetns(netns, ["nft", ...argv]), input === undefined ? {} : { input });
}

type Listed = Readonly<Record<string, Record<string, unknown>>>;

/** The ruleset as `nft` lists it, without what differs from load to load. */
async function list(netns: string): Promise<readonly Listed[]> {
  const { nftables } = JSON.parse(await nft(netns, ["-j", "list", "ruleset"])) as { nftables: readonly Listed[] };
  return nftables
    .filter((object) => object["metainfo"] === undefined)
    .map((object) =>
      Object.fromEntries(Object.entries(object).map(([kind, { handle: _handle, ...rest }]) => [kind, rest])),
    );
}

/** The instructions of all rules, as the kernel has them. */
async function instructions(netns: string): Promise<readonly string[]> {
  const text = await nft(netns, ["--debug=netlink", "list", "ruleset"]);
  return text.split("\n").filter((line) => line.startsWith("  ["));
}

function table(netns: string, objects: readonly unknown[]): NftSpec {
  return { kind: "nft", netns, family: "inet", table: "netloom", objects };
}

/** A rule of its own chain. */
function rule(...expr: readonly unknown[]): readonly unknown[] {
  const place = { family: "inet", table: "netloom" };
  return [{ chain: { ...place, name: "c" } }, { rule: { ...place, chain: "c", expr } }];
}

test("the filter of a node is loaded without a program", async (t) => {
  const { name, netlink } = await opened(t);
  const openings = { dhcp: true, wireguard: [51820, 51821], timeFor: ["10.0.0.0/8", "fd00::/64", "0.0.0.0/0", "::/0"] };
  const open = ["tcp/22", "udp/8000-8010", "tcp/80-80", "udp/1-65535"];
  const { family, table: own, objects } = compileNodeFirewall({ netns: name, links: ["zos"], ...openings, open });
  await t.notThrowsAsync(netlink.nftLoad({ family, table: own, comment: "netloom x", objects }));
  const rules = await nft(name, ["list", "ruleset"]);
  t.regex(rules, /tcp dport 80 accept/u);
  for (const all of ["ipv4", "ipv6"]) t.regex(rules, new RegExp(`meta nfproto ${all} udp dport 123 accept`, "u"));
});

for (const fixture of ["usual", "rare"])
  test(`a table of all that is ${fixture} is the same whether nft or we load it`, async (t) => {
    const [theirs, ours] = [await opened(t), await opened(t)];
    await nft(theirs.name, ["-f", join(import.meta.dirname, `fixtures/${fixture}.nft`)]);
    const expected = await list(theirs.name);
    const [{ table: head } = {}, ...objects] = expected;
    const spec = { family: "inet", table: "netloom", comment: String(head?.["comment"]), objects };
    // Twice: the second takes the place of the first.
    await ours.netlink.nftLoad(spec);
    const { generation } = await ours.netlink.nftLoad(spec);
    t.deepEqual(await list(ours.name), expected);
    t.deepEqual(await instructions(ours.name), await instructions(theirs.name));
    t.is((await ours.netlink.nftTables()).generation, generation);
  });

test("what only nft can load is loaded by nft, with our comment and a known generation", async (t) => {
  const { name, netlink } = await opened(t);
  const owner = { match: { op: "==", left: { meta: { key: "skuid" } }, right: 0 } };
  const spec = table(name, rule(owner, { drop: null }));
  const refused = netlink.nftLoad({ ...spec, comment: "" });
  await t.throwsAsync(refused, { code: "EINVAL" });
  const { family, table: of, objects } = spec;
  const unknown = await t.throwsAsync(netlink.nftLoad({ family, table: of, comment: "", objects }), {
    code: "EOPNOTSUPP",
  });
  t.regex(unknown.message, /nft\.load table inet netloom: .*meta skuid in rule 1 of chain c/u);
  t.deepEqual(await list(name), []);
  const { generation } = await loadTable(netlink, spec, "abc");
  const { tables, ...seen } = await netlink.nftTables();
  t.is(generation, seen.generation);
  t.is(tables[0]?.comment, "netloom abc");
  t.true((await instructions(name)).includes("  [ meta load skuid => reg 1 ]"));
});

test("a table that the kernel refuses names the rule, and leaves the old one", async (t) => {
  const { name, netlink } = await opened(t);
  await loadTable(netlink, table(name, rule({ accept: null })), "old");
  const before = await list(name);
  const refused = table(name, [...rule({ accept: null }), ...rule({ jump: { target: "nowhere" } }).slice(1)]);
  const error = await t.throwsAsync(loadTable(netlink, refused, "new"), { code: "ENOENT" });
  t.regex(error.message, /table inet netloom: rule 2 of chain c: /u);
  t.deepEqual(await list(name), before);
});

test("a table of many thousand elements is loaded whole", async (t) => {
  const { name, netlink } = await opened(t);
  const elem = Array.from(
    { length: 20_000 },
    (_, index) => `10.${index >> 12}.${(index >> 4) & 255}.${(index & 15) * 2}`,
  );
  const set = { family: "inet", table: "netloom", name: "members", type: "ipv4_addr", elem };
  await loadTable(netlink, table(name, [{ set }]), "many");
  const [, listed] = await list(name);
  t.is((listed?.["set"]?.["elem"] as readonly unknown[] | undefined)?.length, elem.length);
});

test("a table is removed, and one that is not there is no error", async (t) => {
  const { name, netlink } = await opened(t);
  await loadTable(netlink, table(name, rule({ accept: null })), "old");
  await netlink.nftDelete("inet", "netloom");
  t.is(await netlink.nftDelete("inet", "netloom"), (await netlink.nftTables()).generation);
  t.deepEqual(await list(name), []);
});

test("loads beside those of others give the generation of each", async (t) => {
  const { name, netlink } = await opened(t);
  using other = await Netlink.open(`/run/netns/${name}`);
  const spec = table(name, rule({ accept: null }));
  const theirs = { ...spec, table: "other", objects: [] };
  const loads = Array.from({ length: 100 }, (_, index) =>
    index % 2 === 0 ? loadTable(netlink, spec, "x") : loadTable(other, theirs, "y"),
  );
  const generations = (await Promise.all(loads)).map(({ generation }) => generation).toSorted((one, two) => one - two);
  const [first = 0] = generations;
  t.deepEqual(
    generations,
    generations.map((_, index) => first + index),
  );
});

test("what others do to a table of ours is seen, and what they do beside it is not", async (t) => {
  const { name, netlink } = await opened(t);
  const count = [{ counter: null }, { accept: null }];
  const set = { family: "inet", table: "netloom", name: "s", type: "inet_service", elem: [1, 2, 3] };
  const objects = [{ set }, ...rule(...count), ...rule({ drop: null }).slice(1)];
  const { content } = await loadTable(netlink, table(name, objects), "x");
  const look = async (): Promise<string | null> => (await netlink.nftContent("inet", "netloom")).content;
  t.is(await look(), content);
  await nft(name, [
    "add table ip other; add chain ip other c; add rule ip other c counter; add set ip other s { type mark; }",
  ]);
  t.is(await look(), content);
  const seen = new Set([content]);
  for (const line of [
    "add rule inet netloom c accept",
    "add element inet netloom s { 4 }",
    "delete element inet netloom s { 1 }",
    "add chain inet netloom d { type filter hook input priority 0; policy drop; }",
    "chain inet netloom d { policy accept; }",
    "add table inet netloom { flags dormant; }",
    "flush chain inet netloom c",
    "delete table inet netloom",
  ]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await nft(name, [line]);
    // oxlint-disable-next-line no-await-in-loop
    const now = await look();
    t.false(seen.has(now), line);
    seen.add(now);
  }
});
