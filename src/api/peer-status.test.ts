import test from "ava";
import type { ActualPeer } from "../model/actual.ts";
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

const device = (one: ActualPeer): Parameters<typeof peerStatus>[0] => ({
  netns: "nw-w-x",
  dev: "w-w-x",
  publicKey: "own",
  listenPort: 51820,
  fwmark: 0,
  peers: [one],
});

test("a peer is told with its resource's name, where it is now, and its counters", (t) => {
  t.deepEqual(peerStatus(device(peer)), [
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
  const [mute] = peerStatus(device({ ...peer, lastHandshake: 0, rxBytes: 0 }));
  t.regex(mute?.note ?? "", /^sent, never answered: [^]*clock went back/u);
  const [untouched] = peerStatus(device({ ...peer, lastHandshake: 0, rxBytes: 0, txBytes: 0 }));
  t.false("note" in (untouched ?? {}));
});
