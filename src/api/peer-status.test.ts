import test from "ava";
import type { ActualPeer } from "../model/actual.ts";
import type { ClockStatus } from "../model/report.ts";
import { peerStatus } from "./peer-status.ts";

const peer: ActualPeer = {
  publicKey: "K",
  endpoint: "192.0.2.1:51820",
  givenEndpoint: "192.0.2.9:51820",
  allowedIps: ["10.10.2.0/24"],
  keepalive: 20,
  presharedKey: null,
  lastHandshake: 1_700_000_000,
  rxBytes: 10,
  txBytes: 20,
};

const right: ClockStatus = { synchronised: true, ours: true, source: [], since: 1, waits: null, wentBack: 0 };

const device = (one: ActualPeer): Parameters<typeof peerStatus>[0] => ({
  netns: "nw-w-x",
  dev: "w-w-x",
  publicKey: "own",
  listenPort: 51820,
  fwmark: 0,
  peers: [one],
});

test("a peer is told with its resource's name, where it is now, and its counters", (t) => {
  t.deepEqual(peerStatus(device(peer), right), [
    {
      resource: "w-x",
      publicKey: "K",
      endpoint: "192.0.2.1:51820",
      lastHandshake: 1_700_000_000,
      rxBytes: 10,
      txBytes: 20,
    },
  ]);
});

test("one that never answers is pointed out with what it may be: WireGuard itself says nothing", (t) => {
  const note = (clock: Partial<ClockStatus>): string =>
    peerStatus(device({ ...peer, lastHandshake: 0, rxBytes: 0 }), { ...right, ...clock })[0]?.note ?? "";
  t.regex(note({}), /^sent, never answered: [^]*clock went back/u);
  t.regex(note({ wentBack: 3600.4 }), /whose clock went back by 3600 s$/u);
  t.regex(note({ synchronised: false }), /not synchronised: no time server is known$/u);
  t.regex(note({ synchronised: false, source: ["192.0.2.1"] }), /not synchronised: 192\.0\.2\.1 did not answer$/u);
  t.regex(note({ synchronised: false, ours: false }), /not synchronised$/u);
  const [untouched] = peerStatus(device({ ...peer, lastHandshake: 0, rxBytes: 0, txBytes: 0 }), right);
  t.false("note" in (untouched ?? {}));
});
