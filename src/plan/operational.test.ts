import test from "ava";
import type { ActualPeer, ActualWireguard } from "../model/actual.ts";
import { facts, lease, nic, node } from "../testing/builders.ts";
import { compile } from "./compile.ts";
import { waitingFor } from "./operational.ts";

const NOW = 1000;
const UNIX = 1_700_000_000;

const peer: ActualPeer = {
  publicKey: "PEER",
  endpoint: "192.0.2.1:51820",
  givenEndpoint: "192.0.2.1:51820",
  allowedIps: [],
  keepalive: 20,
  presharedKey: null,
  lastHandshake: 0,
  rxBytes: 0,
  txBytes: 0,
};
const device = (part: Partial<ActualPeer>): ActualWireguard => ({
  netns: "ndemo",
  dev: "w-demo",
  publicKey: "OWN",
  listenPort: 51820,
  fwmark: 0,
  peers: [{ ...peer, ...part }],
});
const offline = compile([node({ uplink: { mode: "none", ignore: [] } })], facts());
const waiting = (part: Partial<ActualPeer>, age: number): ReturnType<typeof waitingFor> =>
  waitingFor({ compiled: offline, devices: [device(part)], since: () => NOW - age, now: NOW, unixNow: UNIX });

test("a peer that we call has half a minute for its first handshake", (t) => {
  const expected = {
    document: "NetworkResource demo",
    for: "a handshake with PEER at 192.0.2.1:51820",
    seconds: 12,
    deadline: 30,
    overdue: false,
  };
  t.deepEqual(waiting({}, 12), [expected]);
  t.deepEqual(waiting({}, 31), [{ ...expected, seconds: 31, overdue: true }]);
  t.deepEqual(waiting({ lastHandshake: UNIX - 100 }, 500), []);
  // A peer that moves about, or that nothing is sent to, owes us no handshake.
  t.deepEqual(waiting({ endpoint: null }, 500), []);
  t.deepEqual(waiting({ keepalive: 0 }, 500), []);
});

test("a session that has ended is waited for from its end on", (t) => {
  t.like(waiting({ lastHandshake: UNIX - 190 }, 500)[0], { seconds: 10, overdue: false });
  t.like(waiting({ lastHandshake: UNIX - 240 }, 500)[0], { seconds: 60, overdue: true });
});

test("a node that wants an uplink waits for a lease until it has one", (t) => {
  const nics = [nic("eth0")];
  const ask = (compiled: ReturnType<typeof compile>): ReturnType<typeof waitingFor> =>
    waitingFor({ compiled, devices: [], since: () => NOW - 61, now: NOW, unixNow: UNIX });
  t.deepEqual(ask(compile([], facts({ nics }))), [
    { document: "Node node", for: "a lease for an uplink", seconds: 61, deadline: 60, overdue: true },
  ]);
  t.deepEqual(ask(compile([], facts({ nics, leases: [lease("eth0")] }))), []);
  t.deepEqual(ask(offline), []);
});
