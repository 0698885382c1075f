import test from "ava";
import { Secret } from "../../lib/secret.ts";
import type { Actual } from "../../model/actual.ts";
import { HOST, type Target, type WireguardPeerSpec, type WireguardSpec } from "../../model/kernel.ts";
import { testKey } from "../../testing/builders.ts";
import { applySteps, emptyKernel } from "../../testing/memory-kernel.ts";
import { explain } from "../explain.ts";
import { diff } from "./index.ts";

const [first, second] = [new Secret(testKey("first preshared")), new Secret(testKey("second preshared"))];

const device = (peer: Partial<WireguardPeerSpec>, part: Partial<WireguardSpec> = {}): Target => [
  { kind: "link", netns: HOST, name: "w0", type: "wireguard" },
  {
    kind: "wireguard",
    netns: HOST,
    dev: "w0",
    privateKey: new Secret(testKey("private")),
    publicKey: "OWN",
    listenPort: 51820,
    peers: [{ publicKey: "PEER", allowedIps: ["10.0.0.2/32"], keepalive: 0, ...peer }],
    ...part,
  },
];

const made = (target: Target, from: Actual = emptyKernel()): Actual => applySteps(from, diff(from, target).steps);
const lines = (from: Target, to: Target): readonly string[] => diff(made(from), to).steps.map(explain);
const peerLine = "persistent-keepalive 0 allowed-ips 10.0.0.2/32";

test("a preshared key is given when it is new or another one, taken away when nobody wants it, and never told", (t) => {
  t.deepEqual(lines(device({}), device({ presharedKey: first })), [
    `wg set w0 peer PEER preshared-key (given) ${peerLine}`,
  ]);
  t.deepEqual(lines(device({ presharedKey: first }), device({ presharedKey: second })), [
    `wg set w0 peer PEER preshared-key (given) ${peerLine}`,
  ]);
  t.deepEqual(lines(device({ presharedKey: first }), device({})), [
    `wg set w0 peer PEER preshared-key /dev/null ${peerLine}`,
  ]);
  t.deepEqual(lines(device({ presharedKey: first }), device({ presharedKey: new Secret(first.reveal()) })), []);
  const texts = JSON.stringify([
    diff(emptyKernel(), device({ presharedKey: first })),
    made(device({ presharedKey: first })),
  ]);
  t.false(texts.includes(first.reveal()));
});

test("another change of a peer does not give its preshared key again", (t) => {
  const [change] = diff(made(device({ presharedKey: first })), device({ presharedKey: first, keepalive: 20 })).steps;
  t.deepEqual(change?.args, {
    netns: HOST,
    dev: "w0",
    peer: { publicKey: "PEER", allowedIps: ["10.0.0.2/32"], keepalive: 20 },
  });
});

test("a preshared key that somebody else set is replaced by ours, or taken away", (t) => {
  const seen = made(device({}));
  const theirs: Actual = {
    ...seen,
    wireguard: seen.wireguard.map((one) => ({
      ...one,
      peers: one.peers.map((peer) => ({ ...peer, presharedKey: "" })),
    })),
  };
  t.deepEqual(diff(theirs, device({})).steps.map(explain), [`wg set w0 peer PEER preshared-key /dev/null ${peerLine}`]);
  t.deepEqual(diff(theirs, device({ presharedKey: first })).steps.map(explain), [
    `wg set w0 peer PEER preshared-key (given) ${peerLine}`,
  ]);
});

test("a mark of sent packets is set and taken away without touching a peer", (t) => {
  t.deepEqual(lines(device({}), device({}, { fwmark: 7 })), [
    "wg set w0 listen-port 51820 fwmark 7 private-key (of OWN)",
  ]);
  t.deepEqual(lines(device({}, { fwmark: 7 }), device({})), ["wg set w0 listen-port 51820 private-key (of OWN)"]);
  t.deepEqual(lines(device({}, { fwmark: 7 }), device({}, { fwmark: 7 })), []);
});
