/** Firewalls and programs of others, with real ones: what they do to us is named, and theirs is left alone. */
import { readFile, writeFile } from "node:fs/promises";
import test from "ava";
import type { FightReport } from "../model/report.ts";
import { lan, node as nodeDocument, resource } from "../testing/builders.ts";
import { BINARY, TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const none = nodeDocument({ uplink: { mode: "none", ignore: [] } });
const lab = lan("lab", { cidr: "10.5.0.0/24" });

/** Like Docker's: its own table, which drops what it does not know. */
const FOREIGN = `
table ip filter {
  chain FORWARD { type filter hook forward priority 0; policy drop; }
  chain OUTPUT { type filter hook output priority 0; policy accept; }
}
table inet firewalld {
  chain input { type filter hook input priority 10; policy drop; ct state established accept; }
}
`;

test("a firewall that drops what we forward is named in status and plan, and stays as it is", async (t) => {
  const node = await TestNode.start(t, {
    prepare: async ({ sandbox }) => {
      t.is((await sandbox.run(["nft", "-f", "-"], { input: FOREIGN })).code, 0);
      await sandbox.run([
        "sysctl",
        "-w",
        "net.bridge.bridge-nf-call-iptables=0",
        "net.bridge.bridge-nf-call-ip6tables=0",
      ]);
    },
  });
  const ruleset = (): Promise<string> => node.sandbox.output(["nft", "list", "ruleset"]);
  const before = await ruleset();
  t.deepEqual((await node.client.status()).problems, [], "there is nothing to drop yet");
  const planned = await node.netloom(["plan", "-"], yaml(none, lab));
  t.regex(
    planned.err,
    /^warning: nft chain ip filter FORWARD is not Netloom's and has policy drop: forwarded traffic passes/mu,
  );
  t.regex(planned.err, /^warning: nft chain inet firewalld input [^\n]* DHCP, DNS and WireGuard of this node/mu);
  t.is((await node.apply(yaml(none, lab, resource("demo")))).code, 0);
  const { problems } = await node.client.status();
  t.is(problems.length, 2);
  t.regex((await node.netloom(["status"])).out, /^problem {3}nft chain ip filter FORWARD /mu);
  t.is(await ruleset(), before);
  // Looked at again as soon as somebody changed it, and only then: another table of theirs is theirs.
  await node.sandbox.output(["nft", "delete", "table", "ip", "filter"]);
  t.is((await node.client.status()).problems.length, 1);
  await node.sandbox.output(["nft", "flush", "ruleset"]);
  t.deepEqual((await node.client.status()).problems, []);
});

test("br_netfilter that hands members' frames to a firewall is named, where it is loaded", async (t) => {
  const node = await TestNode.start(t);
  const key = "net.bridge.bridge-nf-call-iptables";
  if ((await node.sandbox.run(["sysctl", "-w", `${key}=1`])).code !== 0) {
    t.pass("this kernel has no br_netfilter");
    return;
  }
  await node.apply(yaml(none, lab));
  const problems = async (): Promise<string> => (await node.client.status()).problems.join("\n");
  t.is(await problems(), "", "there is no firewall to hand them to");
  t.is((await node.sandbox.run(["nft", "-f", "-"], { input: FOREIGN })).code, 0);
  t.regex(await problems(), /br_netfilter is loaded and \S*bridge-nf-call-iptables/u);
  await node.sandbox.output(["sysctl", "-w", `${key}=0`, "net.bridge.bridge-nf-call-ip6tables=0"]);
  t.notRegex(await problems(), /br_netfilter/u);
});

/** What the daemon gave up, once it knows to whom: a pass may find what is undone before the daemon hears who did it. */
function named(node: TestNode): Promise<FightReport> {
  return node.sandbox.until("the name of who undoes it", async () => {
    const [fight] = (await node.client.status()).fights;
    return fight?.by.startsWith("somebody") === false ? fight : undefined;
  });
}

test("somebody who takes our address away for ever is left to it after three times, and is named", async (t) => {
  const node = await TestNode.start(t);
  const text = yaml(none, lab);
  t.is((await node.apply(text)).code, 0);
  // One program that lives on, so that it can be asked for its name; it counts its rounds in a file, and another one ends it.
  const loop =
    'while [ ! -e "$2" ]; do echo address del 10.5.0.1/24 dev l-lab; echo >>"$1"; sleep 0.05; done | ip -force -batch -';
  const [rounds, enough] = [`${node.sandbox.dir}/rounds`, `${node.sandbox.dir}/enough`];
  const other = node.sandbox.start(["sh", "-c", loop, "sh", rounds, enough]);
  const tried = async (): Promise<number> => (await node.sandbox.run(["cat", rounds])).out.length;
  const passes = async (): Promise<number> => (await node.client.status()).reconciles.total;
  const fight = await named(node);
  t.like(fight, { objects: ["address l-lab 10.5.0.1/24"], times: 3 });
  t.regex(fight.by, /^ip \(pid \d+\)$/u);
  t.regex(
    (await node.netloom(["status"])).out,
    /^stopped {3}address l-lab 10\.5\.0\.1\/24: undone 3 times, last by ip \(pid \d+\); left alone until the next `netloom apply`$/mu,
  );
  // The other goes on, and nobody answers it. What was done before it was given up still asks for a pass.
  await node.sandbox.until("the daemon to rest while the other tries again and again", async () => {
    const [before, round] = [await passes(), await tried()];
    await node.sandbox.until("more rounds", async () => ((await tried()) > round + 20 ? true : undefined));
    return (await passes()) === before ? true : undefined;
  });
  t.notRegex(await node.sandbox.ip("-o -4 address show l-lab"), /10\.5\.0\.1/u);
  await writeFile(enough, "");
  await other.ended;
  const again = await node.apply(text);
  t.is(again.code, 0);
  t.regex(again.out, /^ip addr add 10\.5\.0\.1\/24 dev l-lab$/mu);
  t.deepEqual((await node.client.status()).fights, []);
});

const WAYS = [
  {
    what: "a table that somebody flushes",
    by: "nft",
    netns: "ndemo",
    words: "flush ruleset",
    object: "nft ndemo/inet netloom",
  },
  {
    what: "an address inside a namespace, by programs that end at once",
    by: undefined,
    netns: "ndemo",
    words: "address flush dev private",
    object: "address ndemo/private 10.10.1.1/24",
  },
] as const;

for (const { what, by, netns, words, object } of WAYS) {
  test(`${what} is given up after three times, and who did it is told as far as the kernel does`, async (t) => {
    const node = await TestNode.start(t);
    t.is((await node.apply(yaml(none, resource("demo")))).code, 0);
    const program = by ?? "ip";
    const passes = async (): Promise<number> => (await node.client.status()).reconciles.changed;
    const fights = await node.sandbox.until("the daemon to give in", async () => {
      const before = await passes();
      await node.sandbox.output([program, ...words.split(" ")], netns);
      return await node.sandbox
        .until("an answer", async () => {
          const status = await node.client.status();
          return status.fights.length > 0
            ? { found: status.fights }
            : (await passes()) > before
              ? { found: undefined }
              : undefined;
        })
        .then(({ found }) => found);
    });
    t.true(fights[0]?.objects.includes(object), JSON.stringify(fights));
    t.regex(
      (await named(node)).by,
      by === undefined ? /^ip \(pid \d+\)$|^a program that has ended, pid \d+$/u : /^nft \(pid \d+\)$/u,
    );
  });
}

test("the daemon may open as many files as it is allowed to", async (t) => {
  const node = await TestNode.start(t, { runtime: BINARY });
  const { pid } = await node.client.status();
  const [, soft, hard] = /^Max open files +(\d+) +(\d+)/mu.exec(await readFile(`/proc/${pid}/limits`, "utf8")) ?? [];
  t.is(soft, hard);
  t.truthy(hard);
});
