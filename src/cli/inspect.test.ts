import test from "ava";
import { NO_FLAGS } from "../model/boot-flags.ts";
import type { Status } from "../model/report.ts";
import { settings } from "../plan/settings.ts";
import { statusText } from "./inspect.ts";

const empty: Status = {
  clock: { synchronised: false, ours: true, source: [], since: null, waits: null, wentBack: 0 },
  state: { kept: "in memory" },
  keys: [],
  version: "0.1.0",
  pid: 7,
  hostname: "n1",
  online: false,
  onlineAt: null,
  uplink: null,
  publicSide: null,
  decision: [],
  documents: [],
  processes: [],
  peers: [],
  waiting: [],
  lastReconcile: null,
  fights: [],
  guard: null,
  reconciles: { total: 0, changed: 0 },
  problems: [],
};

test("a node that has just started says so in three lines", (t) => {
  t.is(
    statusText(empty, 0),
    [
      "node      n1, netloom 0.1.0, offline",
      "uplink    none",
      "clock     not synchronised: no time server is known",
      "state     in memory",
      "reconcile none yet\n",
    ].join("\n"),
  );
});

test("what is not known to work yet is waited for, and said to be late", (t) => {
  const lease = { document: "Node node", for: "a lease for an uplink", seconds: 12, deadline: 60, overdue: false };
  const late = { ...lease, seconds: 70, overdue: true };
  const lines = statusText({ ...empty, waiting: [lease, late] }, 0).split("\n");
  t.deepEqual(lines.slice(4, 6), [
    "waiting   Node node waits for a lease for an uplink for 12 s",
    "overdue   Node node waits for a lease for an uplink for 70 s, and expected it within 60 s",
  ]);
});

test("everything that a node knows, one thing a line", (t) => {
  const had = { carrier: null, lease4: null, ra: null, lease6: null, gateway: null, check: null };
  const status: Status = {
    ...empty,
    online: true,
    onlineAt: 8.25,
    uplink: {
      nic: "eth1",
      link: "zos",
      address: "192.168.50.17/24",
      addresses: ["192.168.50.17/24", "2001:db8::17/64"],
      router: "192.168.50.1",
      gateways: ["192.168.50.1"],
      server: null,
      expiresAt: 3600,
    },
    decision: [
      { nic: "eth0", mac: "52:54:00:00:00:01", chosen: false, reasons: ["has no carrier", "eth1 was first"], had },
      { nic: "eth1", mac: "52:54:00:00:00:02", chosen: true, reasons: ["has carrier"], had },
    ],
    onlineChecks: {
      address: { ok: true, why: "192.168.50.17/24 by zos" },
      route: { ok: true, why: "192.168.50.1 by zos answers" },
      check: { ok: false, why: "tcp://192.0.2.1:443 refused the connection" },
    },
    settings: {
      ...settings(null, NO_FLAGS),
      mtu: { value: 1400, source: "flag netloom.mtu=1400" },
      nics: { value: ["eth*", "en*"], source: "Node node" },
      routes: { value: [{ to: "10.0.0.0/8", via: "192.168.50.9" }], source: "flag rd.route=10.0.0.0/8:192.168.50.9" },
      addressingOf: [
        {
          nic: "eth1",
          addressing: {
            value: { dhcp4: true, dhcp6: "auto", ra: false, addresses: ["10.0.0.5/24"], gateways: ["10.0.0.1"] },
            source: "flag ip=eth1:dhcp",
          },
        },
      ],
    },
    clock: { synchronised: true, ours: true, source: ["192.0.2.4"], since: 9.5, waits: null, wentBack: 60.2 },
    state: { kept: "on disk /dev/vda" },
    keys: [
      { resource: "demo", publicKey: "K0", since: "boot" },
      { resource: "lab", publicKey: "K9", since: "disk" },
    ],
    documents: [{ kind: "Lan", name: "lab", source: "applied" }],
    processes: [
      { name: "dhcp-eth1", up: true, pid: 99 },
      { name: "dnsmasq-lab", up: false, pid: null },
    ],
    peers: [
      {
        resource: "demo",
        publicKey: "K1",
        endpoint: null,
        lastHandshake: 0,
        rxBytes: 0,
        txBytes: 148,
        note: "sent, never answered",
      },
      { resource: "demo", publicKey: "K2", endpoint: "192.0.2.1:51820", lastHandshake: 1000, rxBytes: 5, txBytes: 6 },
    ],
    lastReconcile: {
      outcome: "failed",
      steps: ["a", "b"],
      failures: [{ step: "refused", message: "link rdemo exists" }],
      unverified: ["ip link add x"],
      milliseconds: 12,
    },
    reconciles: { total: 3, changed: 2 },
    problems: ["set aside x.yaml"],
  };
  t.is(
    statusText(status, 1030),
    `node      n1, netloom 0.1.0, online since 8.3 s after kernel start
uplink    eth1 192.168.50.17/24 2001:db8::17/64 via 192.168.50.1
online    address ok: 192.168.50.17/24 by zos
online    route ok: 192.168.50.1 by zos answers
online    check missing: tcp://192.0.2.1:443 refused the connection
nic       eth0 52:54:00:00:00:01 not chosen: has no carrier, eth1 was first
nic       eth1 52:54:00:00:00:02 chosen: has carrier
setting   uplink.nics eth* en* (Node node)
setting   uplink.mtu 1400 (flag netloom.mtu=1400)
setting   routes 10.0.0.0/8 via 192.168.50.9 (flag rd.route=10.0.0.0/8:192.168.50.9)
setting   addressing of eth1 dhcp4 dhcp6 where it is advertised 10.0.0.5/24 via 10.0.0.1 (flag ip=eth1:dhcp)
clock     synchronised by 192.0.2.4 since 9.5 s after kernel start; it went back, and peers ignore this node for 60 s more
state     on disk /dev/vda
key       demo K0 made in this boot: others have to be told
key       lab K9 as before the boot
document  Lan lab (applied)
service   dhcp-eth1 up, pid 99
service   dnsmasq-lab down
peer      demo K1 (no endpoint) no handshake yet, received 0 B, sent 148 B: sent, never answered
peer      demo K2 192.0.2.1:51820 handshake 30 s ago, received 5 B, sent 6 B
reconcile failed, 2 steps in 12 ms (3 passes, 2 with changes)
failed    refused: link rdemo exists
failed    not seen to hold: ip link add x
problem   set aside x.yaml
`,
  );
});

test("a peer whose clock is ahead shook hands now, not in the future", (t) => {
  const peer = { resource: "demo", publicKey: "K", endpoint: null, lastHandshake: 2000, rxBytes: 1, txBytes: 1 };
  t.regex(statusText({ ...empty, peers: [peer] }, 1000), /handshake 0 s ago/u);
});
