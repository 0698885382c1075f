/** What is not marked as ours is neither changed nor removed, and the report names what stands in the way. */
import test from "ava";
import { lan, node, resource } from "../testing/builders.ts";
import { lookAtLinks } from "../testing/look-at-links.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const offline = node({ uplink: { mode: "none", ignore: [] } });

/** Things of somebody else's, some with names that we would like to have. */
const FOREIGN = [
  "link add docker0 type bridge",
  "link add rdemo type bridge",
  "link add eth5 master docker0 type veth peer name eth6",
  "address add 10.77.0.1/24 dev docker0",
  "link set docker0 up",
  "route add 10.88.0.0/16 dev docker0",
  "route add 10.89.0.0/16 dev docker0 metric 1024",
  "netns add nother",
  "netns add nsecond",
];

async function foreignThings({ sandbox }: TestNode): Promise<void> {
  for (const line of FOREIGN) await sandbox.ip(line);
  await sandbox.output([
    "nft",
    "add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }",
  ]);
  await sandbox.output(["nft", "add table inet netloom"]);
}

/** What the kernel says about all of them. */
async function look({ sandbox }: TestNode): Promise<string> {
  return await lookAtLinks(sandbox, LOOK);
}

const LOOK = `
for name in docker0 rdemo eth5; do ip -o link show $name; done
ip -o -4 address show docker0
ip -4 route show proto boot
ip -n nother -o link
ip -n nsecond -o link
ip -n nsecond -o address
cat /proc/sys/net/ipv6/conf/rdemo/disable_ipv6
nft list ruleset
`;

test("foreign things of the names that we want are named in the report, and survive apply and delete untouched", async (t) => {
  const under = await TestNode.start(t, { prepare: foreignThings });
  await under.apply(yaml(offline));
  const before = await look(under);
  const wanted = yaml(
    resource("demo"),
    resource("second", { subnet: "10.10.2.0/24" }),
    lan("lab", { cidr: "10.5.0.0/24", nics: ["eth5"] }),
  );
  const applied = await under.apply(wanted);
  t.is(applied.code, 1);
  for (const reason of [
    "link rdemo exists (bridge, down, group 0) and is not Netloom's: rename it, or remove it",
    "namespace nsecond exists and is not this daemon's: rename it, or remove it",
    "link eth5 is a port of docker0, which is not Netloom's: rename it, or remove it",
  ])
    t.true(applied.err.includes(`failed: refused: ${reason}\n`), applied.err);
  // The report is about what stands in the way, and not about all that follows from it.
  t.is(applied.err.split("\n").filter((line) => line !== "").length, 3, applied.err);
  t.is(await look(under), before);
  // The rest holds.
  const links = await under.links();
  for (const name of ["l-lab", "mdemo", "rsecond", "msecond"]) t.true(links.includes(name), name);

  for (const words of ["NetworkResource demo", "NetworkResource second", "Lan lab"])
    await under.netloom(["delete", ...words.split(" ")]);
  t.is(await look(under), before);
  t.deepEqual(
    (await under.links()).filter((name) => /^(?:l-|[mv])/u.test(name)),
    [],
  );
});

test("when what stands in the way is gone, the rest is made without a word to the daemon", async (t) => {
  const under = await TestNode.start(t, {
    prepare: async ({ sandbox }) => void (await sandbox.ip("link add rdemo type bridge")),
  });
  t.is((await under.apply(yaml(resource("demo")))).code, 1);
  await under.sandbox.ip("link del rdemo");
  await under.sandbox.until("the resource", async () =>
    (await under.client.status()).lastReconcile?.outcome === "failed" ? undefined : true,
  );
  t.regex(await under.sandbox.ip("-n ndemo -o -4 address show private"), /10\.10\.1\.1\/24/u);
});

test("what is ours is marked so that anyone can tell", async (t) => {
  const under = await TestNode.start(t);
  await under.apply(yaml(resource("demo"), lan("lab", { cidr: "10.5.0.0/24" })));
  for (const name of ["rdemo", "mdemo", "l-lab"])
    t.regex(await under.sandbox.ip(`-d -o link show ${name}`), / group 20044 /u);
  t.regex(await under.sandbox.ip("-n ndemo -d -o link show private"), / group 20044 /u);
  t.regex(await under.sandbox.ip("-d -o address show dev l-lab"), / proto 0x4e /u);
  t.regex(await under.sandbox.output(["nft", "list", "tables"], "ndemo").catch(String), /netloom/u);
});

test("addresses and routes that people add to what is ours stay", async (t) => {
  const under = await TestNode.start(t);
  await under.apply(yaml(lan("lab", { cidr: "10.5.0.0/24" })));
  await under.sandbox.ip("address add 10.5.0.200/24 dev l-lab");
  await under.sandbox.ip("route add 10.66.0.0/16 dev l-lab");
  t.deepEqual(await under.apply(yaml(lan("lab", { cidr: "10.5.0.0/24" }))), { code: 0, out: "no changes\n", err: "" });
  t.like(await under.apply(yaml(lan("lab", { cidr: "10.6.0.0/24" }))), { code: 0 });
  t.regex(await under.sandbox.ip("-o -4 address show l-lab"), /10\.5\.0\.200\/24[^]*10\.6\.0\.1\/24/u);
  t.regex(await under.sandbox.ip("-4 route"), /10\.66\.0\.0\/16 dev l-lab/u);
});

test("a table of others beside ours is no reason to load ours again", async (t) => {
  const under = await TestNode.start(t);
  const text = yaml(resource("demo"));
  await under.apply(text);
  // Handles are given anew by every load.
  const ours = (): Promise<string> => under.sandbox.output(["nft", "-a", "list", "table", "inet", "netloom"], "ndemo");
  const before = await ours();
  const { total } = (await under.client.status()).reconciles;
  await under.sandbox.output(["nft", "add table ip other"], "ndemo");
  await under.sandbox.until("a pass", async () =>
    (await under.client.status()).reconciles.total > total ? true : undefined,
  );
  t.deepEqual(await under.apply(text), { code: 0, out: "no changes\n", err: "" });
  t.is(await ours(), before);
});
