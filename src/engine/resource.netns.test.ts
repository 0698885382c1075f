/** A network resource as its members see it. Without WireGuard, which the development kernel lacks. */
import test from "ava";
import { resource } from "../testing/builders.ts";
import { kernelHasLink, testIf } from "../testing/skip.ts";
import { TestNode } from "../testing/test-node.ts";
import { yaml } from "../testing/yaml.ts";

const demo = resource("demo");
const next = resource("next", { subnet: "10.10.2.0/24" });

/** A member: a namespace with a cable into the private bridge, and the resource as its router. */
async function member(node: TestNode, bridge: string, name: string, address: string): Promise<void> {
  await node.sandbox.cable(`p-${name}`, name, bridge);
  await node.sandbox.ip(`-n ${name} address add ${address}/24 dev eth0`);
  await node.sandbox.ip(`-n ${name} route add default via ${address.replace(/\d+$/u, "1")}`);
}

async function reaches(node: TestNode, from: string, to: string, source: readonly string[] = []): Promise<boolean> {
  const { code } = await node.sandbox.run([
    ...["nsenter", `--net=/run/netns/${from}`, "--", "ping", "-c", "1", "-W", "1", ...source, to],
  ]);
  return code === 0;
}

/** Waits for a connection that has to be there. */
async function connected(node: TestNode, from: string, to: string): Promise<void> {
  await node.sandbox.until(`${from} to reach ${to}`, async () => ((await reaches(node, from, to)) ? true : undefined));
}

test("a resource has the names, links and addresses of seed 000, and deletion leaves nothing", async (t) => {
  const node = await TestNode.start(t);
  const empty = await node.snapshot();
  t.like(await node.apply(yaml(demo)), { code: 0, err: "" });
  t.deepEqual((await node.links()).filter((name) => !name.startsWith("v")).toSorted(), ["lo", "mdemo", "rdemo"]);
  t.deepEqual((await node.links("ndemo")).toSorted(), ["lo", "mycelium", "private"]);
  t.regex(await node.sandbox.ip("-n ndemo -o -4 address show private"), /inet 10\.10\.1\.1\/24 /u);
  for (const bridge of ["rdemo", "mdemo"])
    t.regex(await node.sandbox.ip(`-o link show master ${bridge}`), /^\d+: v[0-9a-f]{10}@/u);
  t.is(await node.sandbox.output(["cat", "/proc/sys/net/ipv4/ip_forward"], "ndemo"), "1\n");
  const rules = await node.sandbox.output(["nft", "list", "table", "inet", "netloom"], "ndemo");
  t.regex(rules, /chain forward \{\s+type filter hook forward priority filter; policy drop;/u);
  t.regex(rules, /tcp flags & \(syn \| rst\) == syn tcp option maxseg size set rt mtu/u);
  // The node takes no part in the members' segment.
  t.is(await node.sandbox.ip("-o address show dev rdemo"), "");

  t.like(await node.netloom(["delete", "networkresource", "demo"]), { code: 0, err: "" });
  t.is(await node.snapshot(), empty);
});

test("members of one resource reach each other and their router, and nothing of another resource", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(demo, next));
  await member(node, "rdemo", "a1", "10.10.1.10");
  await member(node, "rdemo", "a2", "10.10.1.11");
  await member(node, "rnext", "b1", "10.10.2.10");
  for (const [from, to] of [
    ["a1", "10.10.1.1"],
    ["a1", "10.10.1.11"],
    ["a2", "10.10.1.10"],
    ["b1", "10.10.2.1"],
  ] as const)
    await connected(node, from, to);
  for (const [from, to] of [
    ["a1", "10.10.2.10"],
    ["a1", "10.10.2.1"],
    ["b1", "10.10.1.10"],
    ["b1", "10.10.1.1"],
  ] as const)
    t.false(await reaches(node, from, to), `${from} reaches ${to}`);
  // Not even by a route through the node itself.
  await node.sandbox.output(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
  t.false(await reaches(node, "a1", "10.10.2.10"));
  t.deepEqual(await node.apply(yaml(demo, next)), { code: 0, out: "no changes\n", err: "" });
});

test("a member does not get out of the resource by a way that somebody adds, with its own address or a forged one", async (t) => {
  const node = await TestNode.start(t);
  await node.apply(yaml(demo));
  await member(node, "rdemo", "a1", "10.10.1.10");
  await node.sandbox.ip("-n a1 address add 192.0.2.1/32 dev lo");
  // A way out and the way back, so that nothing but the resource's own rules is between.
  await node.sandbox.ip("netns add outside");
  await node.sandbox.ip("-n ndemo link add out up type veth peer name eth0 netns outside");
  await node.sandbox.ip("-n outside link set eth0 up");
  await node.sandbox.ip("-n ndemo address add 203.0.113.2/24 dev out");
  await node.sandbox.ip("-n outside address add 203.0.113.1/24 dev eth0");
  await node.sandbox.ip("-n outside route add default via 203.0.113.2");
  await node.sandbox.ip("-n ndemo route add 192.0.2.1/32 via 10.10.1.10");
  await connected(node, "a1", "10.10.1.1");
  await connected(node, "ndemo", "203.0.113.1");
  t.false(await reaches(node, "a1", "203.0.113.1"));
  t.false(await reaches(node, "a1", "203.0.113.1", ["-I", "192.0.2.1"]));
});

test("names that differ only at their end do not collide", async (t) => {
  const node = await TestNode.start(t);
  const twins = [resource("thirteen-abcd"), resource("thirteen-abce", { subnet: "10.10.2.0/24" })];
  t.like(await node.apply(yaml(...twins)), { code: 0, err: "" });
  t.deepEqual(await node.apply(yaml(...twins)), { code: 0, out: "no changes\n", err: "" });
});

const wireguard = kernelHasLink("wireguard");

testIf(!wireguard, "this kernel has WireGuard")(
  "a kernel without WireGuard fails that part by name and makes the rest",
  async (t) => {
    const node = await TestNode.start(t);
    const { code, err } = await node.apply(yaml(resource("demo", { wireguard: { listenPort: 51820, peers: [] } })));
    t.is(code, 1);
    t.regex(
      err,
      /^failed: ip -n ndemo link add w-demo mtu 1420 up type wireguard: [^\n]*w-demo[^\n]*(?:not supported|Unknown)/mu,
    );
    t.true((await node.links("ndemo")).includes("private"));
  },
);

testIf(wireguard, "this kernel has no WireGuard")("a second apply of a mesh member changes nothing", async (t) => {
  const node = await TestNode.start(t);
  const meshed = yaml(resource("demo", { wireguard: { listenPort: 51820, peers: [] } }));
  t.like(await node.apply(meshed), { code: 0, err: "" });
  t.deepEqual(await node.apply(meshed), { code: 0, out: "no changes\n", err: "" });
});
