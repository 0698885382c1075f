import test from "ava";
import { compile } from "../plan/compile.ts";
import { facts, testKey } from "../testing/builders.ts";
import { planMesh, type MeshNode } from "./mesh.ts";

const member = (id: string, part: Partial<MeshNode> = {}): MeshNode => ({
  id,
  publicKey: testKey(id),
  address: `192.0.2.${id.at(-1) ?? "0"}`,
  listenPort: 51820,
  ...part,
});
const range = "10.10.0.0/16";

test("every node gets a /24 of its own and all others as peers, which allow just their networks", (t) => {
  const plan = planMesh({ name: "demo", range, nodes: [member("n1"), member("n2"), member("n3")] });
  t.deepEqual(
    [...plan.values()].map(({ subnet }) => subnet),
    ["10.10.1.0/24", "10.10.2.0/24", "10.10.3.0/24"],
  );
  t.deepEqual(plan.get("n1")?.wireguard?.peers, [
    {
      publicKey: testKey("n2"),
      endpoint: "192.0.2.2:51820",
      allowedIps: ["10.10.2.0/24", "100.64.10.2/32"],
      keepalive: 20,
    },
    {
      publicKey: testKey("n3"),
      endpoint: "192.0.2.3:51820",
      allowedIps: ["10.10.3.0/24", "100.64.10.3/32"],
      keepalive: 20,
    },
  ]);
});

test("every document of a plan is accepted by the compiler", (t) => {
  const plan = planMesh({ name: "demo", range, nodes: Array.from({ length: 254 }, (_unused, n) => member(`n${n}`)) });
  for (const document of plan.values()) t.deepEqual(compile([document], facts()).issues, []);
});

test("a hidden node has no endpoint, and its peers wait for its call", (t) => {
  const { address: _hidden, ...hidden } = member("n2");
  const peers = planMesh({ name: "demo", range, nodes: [member("n1"), hidden] }).get("n1")?.wireguard?.peers;
  t.false(peers?.some((peer) => "endpoint" in peer));
});

test("given subnets are kept, the others fit around them", (t) => {
  const plan = planMesh({ name: "demo", range, nodes: [member("n1"), member("n2", { subnet: "10.10.1.0/24" })] });
  t.is(plan.get("n1")?.subnet, "10.10.2.0/24");
});

test("what cannot be placed is refused, and both sides are named", (t) => {
  const plan = (...nodes: MeshNode[]): unknown => planMesh({ name: "demo", range, nodes });
  t.throws(() => plan(member("n1"), member("n2", { publicKey: testKey("n1") })), {
    message: /nodes n1 and n2 have the same key/u,
  });
  t.throws(() => plan(member("n1", { subnet: "10.10.7.0/24" }), member("n2", { subnet: "10.10.7.0/24" })), {
    message: /nodes n1 and n2 have the same subnet/u,
  });
  t.throws(() => plan(member("n1", { subnet: "10.11.7.0/24" })), {
    message: /10\.11\.7\.0\/24 of node n1 lies outside 10\.10\.0\.0\/16/u,
  });
  t.throws(() => plan(...Array.from({ length: 255 }, (_unused, n) => member(`n${n}`))), {
    message: /no \/24 left for node n254/u,
  });
});
