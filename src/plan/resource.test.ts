import test from "ava";
import { facts, keyFact, peer, resource, testKey } from "../testing/builders.ts";
import { applySteps, emptyKernel } from "../testing/memory-kernel.ts";
import { compile } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";

const demo = resource("demo", {
  wireguard: {
    listenPort: 51820,
    peers: [peer("node2", { endpoint: "192.168.50.18:51820", allowedIps: ["10.10.2.0/24", "100.64.10.2/32"] })],
  },
});
const known = facts({ wireguardKeys: { demo: keyFact("node1") } });

test("a resource is created in the order of seed 000: bridges, namespace, veth pairs, addresses, rules, WireGuard", (t) => {
  const { target } = compile([demo], known);
  const lines = diff(emptyKernel(), target).steps.map((step) =>
    explain(step)
      .replaceAll(/[0-9a-f]{2}(?::[0-9a-f]{2}){5}/gu, "MAC")
      .replace(/, [0-9a-f]{16}$/u, ", HASH"),
  );
  t.deepEqual(lines, [
    "ip link add rdemo address MAC up type bridge",
    "ip link add mdemo address MAC up type bridge",
    "ip netns add ndemo",
    "sysctl -w net.ipv6.conf.rdemo.disable_ipv6=1",
    "sysctl -w net.ipv6.conf.mdemo.disable_ipv6=1",
    "ip link add v8368d5dd66 address MAC master rdemo up type veth peer name private address MAC netns ndemo up",
    "ip link add v29f3af77da address MAC master mdemo up type veth peer name mycelium address MAC netns ndemo up",
    "ip -n ndemo addr add 10.10.1.1/24 dev private",
    "ip netns exec ndemo nft load table inet netloom # 10 objects, HASH",
    "ip netns exec ndemo sysctl -w net.ipv4.ip_forward=1",
    "ip netns exec ndemo sysctl -w net.ipv6.conf.all.forwarding=1",
    "ip -n ndemo link add w-demo mtu 1420 up type wireguard",
    `ip netns exec ndemo wg set w-demo listen-port 51820 private-key (of ${testKey("public node1")})`,
    `ip netns exec ndemo wg set w-demo peer ${testKey("node2")} endpoint 192.168.50.18:51820 persistent-keepalive 20 allowed-ips 10.10.2.0/24,100.64.10.2/32`,
    "ip -n ndemo addr add 100.64.10.1/16 dev w-demo",
    "ip -n ndemo route replace 10.10.0.0/16 dev w-demo",
  ]);
});

test("a second look after the steps finds nothing to do", (t) => {
  const { target } = compile([demo], known);
  const once = applySteps(emptyKernel(), diff(emptyKernel(), target).steps);
  t.deepEqual(diff(once, target).steps, []);
});

test("deletion takes the namespace first, then the bridges, and leaves nothing", (t) => {
  const { target } = compile([demo], known);
  const made = applySteps(emptyKernel(), diff(emptyKernel(), target).steps);
  const { steps } = diff(made, compile([], known).target);
  t.deepEqual(steps.map(explain), [
    "ip netns del ndemo",
    "ip link del rdemo",
    "ip link del mdemo",
    "ip link del v8368d5dd66",
    "ip link del v29f3af77da",
  ]);
});

test("no step of a plan tells the private key", (t) => {
  const { target } = compile([demo], known);
  const { steps } = diff(emptyKernel(), target);
  t.false(
    `${JSON.stringify(steps)}${steps.map(explain).join("\n")}`.includes(
      known.wireguardKeys["demo"]?.privateKey.reveal() ?? "absent",
    ),
  );
});

test("an endpoint is given to the kernel only when the wish changed: roaming is not undone", (t) => {
  const { target } = compile([demo], known);
  const made = applySteps(emptyKernel(), diff(emptyKernel(), target).steps);
  const roamed = {
    ...made,
    wireguard: made.wireguard.map((device) => ({
      ...device,
      peers: device.peers.map((one) => ({ ...one, endpoint: "192.168.50.99:4000" })),
    })),
  };
  t.deepEqual(diff(roamed, target).steps, []);
  const moved = resource("demo", {
    wireguard: {
      listenPort: 51820,
      peers: [peer("node2", { endpoint: "192.168.50.20:51820", allowedIps: ["10.10.2.0/24", "100.64.10.2/32"] })],
    },
  });
  t.regex(
    diff(roamed, compile([moved], known).target)
      .steps.map(explain)
      .join("\n"),
    /^ip netns exec ndemo wg set w-demo peer \S+ endpoint 192\.168\.50\.20:51820 /u,
  );
});

test("a changed peer list touches the changed peers only", (t) => {
  const before = compile([demo], known).target;
  const made = applySteps(emptyKernel(), diff(emptyKernel(), before).steps);
  const peers = [...(demo.wireguard?.peers ?? []), peer("node3", { allowedIps: ["10.10.3.0/24"] })];
  const after = compile([resource("demo", { wireguard: { listenPort: 51820, peers } })], known).target;
  t.deepEqual(diff(made, after).steps.map(explain), [
    `ip netns exec ndemo wg set w-demo peer ${testKey("node3")} persistent-keepalive 20 allowed-ips 10.10.3.0/24`,
  ]);
});
