import test from "ava";
import type { Document, NetworkResourceDocument, WireguardPeerDocument } from "../model/document.ts";
import { facts, lan, nic, node, peer, resource, testKey } from "../testing/builders.ts";
import { compile } from "./compile.ts";
import { admit, findConflicts } from "./conflicts.ts";

const mesh = (listenPort: number, ...peers: WireguardPeerDocument[]): Partial<NetworkResourceDocument> => ({
  wireguard: { listenPort, peers },
});

interface Refusal {
  readonly title: string;
  readonly documents: readonly Document[];
  readonly reasons: readonly string[];
}

const REFUSALS: readonly Refusal[] = [
  {
    title: "a gateway outside its LAN",
    documents: [lan("a", { cidr: "10.0.0.0/24", gateway: "10.0.1.1" })],
    reasons: ["Lan a: gateway 10.0.1.1 lies outside cidr 10.0.0.0/24"],
  },
  {
    title: "a gateway that is the network itself",
    documents: [lan("a", { cidr: "10.0.0.0/24", gateway: "10.0.0.0" })],
    reasons: ["Lan a: gateway 10.0.0.0 is the first or last address of 10.0.0.0/24, which no host may have"],
  },
  {
    title: "a gateway that is the broadcast address",
    documents: [lan("a", { cidr: "10.0.0.0/24", gateway: "10.0.0.255" })],
    reasons: ["Lan a: gateway 10.0.0.255 is the first or last address of 10.0.0.0/24, which no host may have"],
  },
  ...["0.0.0.0/0", "127.0.0.0/8", "192.0.0.0/2", "224.0.0.0/24"].map((network) => ({
    title: `a LAN of ${network}`,
    documents: [lan("a", { cidr: network })],
    reasons: [`Lan a: ${network} has addresses that no machine can have`],
  })),
  ...["::/0", "fe80::/64", "ff02::/64"].map((network) => ({
    title: `a LAN of ${network}`,
    documents: [lan("a", { cidr: "10.0.0.0/24", ipv6: { cidr: network, dhcp: true } })],
    reasons: [`Lan a: ${network} has addresses that no machine can be given`],
  })),
  {
    title: "DHCP where there is no address to give",
    documents: [lan("a", { cidr: "10.0.0.0/31", dhcp: true })],
    reasons: ["Lan a: 10.0.0.0/31 has no address for a member: DHCP needs a /30 at least"],
  },
  {
    title: "an IPv6 network that cannot be advertised",
    documents: [lan("a", { cidr: "10.0.0.0/24", dhcp: true, ipv6: { cidr: "fd00::/56", dhcp: true } })],
    reasons: ["Lan a: fd00::/56 is no /64, which router advertisements need"],
  },
  {
    title: "LANs that overlap",
    documents: [
      lan("a", { cidr: "10.0.0.0/16" }),
      lan("b", { cidr: "10.0.7.0/24" }),
      lan("c", { cidr: "10.1.0.0/16" }),
    ],
    reasons: ["Lan a (10.0.0.0/16) and Lan b (10.0.7.0/24) overlap: give one of them another network"],
  },
  {
    title: "a subnet outside its range",
    documents: [resource("a", { subnet: "10.9.1.0/24" })],
    reasons: ["NetworkResource a: subnet 10.9.1.0/24 lies outside its range 10.10.0.0/16"],
  },
  {
    title: "two resources on one port",
    documents: [resource("a", mesh(51820)), resource("b", mesh(51820)), resource("c", mesh(51821))],
    reasons: ["NetworkResource b and NetworkResource a both listen on UDP port 51820: give one of them another port"],
  },
  {
    title: "a peer that claims the resource's own subnet",
    documents: [resource("a", mesh(1, peer("p", { allowedIps: ["10.10.1.128/25"] })))],
    reasons: [`NetworkResource a: 10.10.1.128/25 of peer ${testKey("p")} overlaps 10.10.1.0/24 of its own subnet`],
  },
  {
    title: "two peers that claim one network",
    documents: [
      resource("a", mesh(1, peer("p", { allowedIps: ["10.10.2.0/24"] }), peer("q", { allowedIps: ["10.10.2.7/32"] }))),
    ],
    reasons: [`NetworkResource a: 10.10.2.7/32 of peer ${testKey("q")} overlaps 10.10.2.0/24 of peer ${testKey("p")}`],
  },
  {
    title: "a peer that is listed twice",
    documents: [
      resource("a", mesh(1, peer("p", { allowedIps: ["10.10.2.0/24"] }), peer("p", { allowedIps: ["10.10.3.0/24"] }))),
    ],
    reasons: [`NetworkResource a: peer ${testKey("p")} is listed 2 times: give it one entry with all its allowedIps`],
  },
];

for (const { title, documents, reasons } of REFUSALS) {
  test(`refused: ${title}`, (t) => {
    t.deepEqual(
      findConflicts(documents).map(({ message }) => message),
      reasons,
    );
  });
}

test("documents that go together are not refused", (t) => {
  const documents = [
    node(),
    lan("a", { cidr: "10.0.0.0/24", gateway: "10.0.0.254", dhcp: true, ipv6: { cidr: "fd00::/64", dhcp: true } }),
    lan("b", { cidr: "10.0.1.0/31" }),
    // The range of one resource is nobody else's business: each has a namespace of its own.
    resource("a", mesh(1, peer("p", { allowedIps: ["10.10.2.0/24", "10.10.2.0/24"] }))),
    resource("b", mesh(2, peer("p", { allowedIps: ["10.10.2.0/24"] }))),
  ];
  t.deepEqual(findConflicts(documents), []);
  t.deepEqual(admit(documents), { documents, issues: [] });
});

test("one NIC for two LANs is refused with both names, and the first has it", (t) => {
  const documents = [
    lan("a", { cidr: "10.0.0.0/24", nics: ["eth1"] }),
    lan("b", { cidr: "10.0.1.0/24", nics: ["eth*"] }),
  ];
  const { issues, target } = compile(documents, facts({ nics: [nic("eth1")] }));
  t.deepEqual(issues, [
    { documents: ["Lan a", "Lan b"], message: "Lan b and Lan a both claim link eth1: give one of them another name" },
  ]);
  t.deepEqual(
    target.flatMap((object) => (object.kind === "link" && object.name === "eth1" ? [object.master] : [])),
    ["l-a"],
  );
});

test("of documents that contradict each other the first is kept, and one that lost costs nobody else", (t) => {
  const [a, b, c] = [
    lan("a", { cidr: "10.0.0.0/24" }),
    lan("b", { cidr: "10.0.0.0/23" }),
    lan("c", { cidr: "10.0.1.0/24" }),
  ];
  t.deepEqual(admit([a, b, c]).documents, [a, c]);
  t.deepEqual(admit([b, a, c]).documents, [b]);
  t.is(admit([b, a, c]).issues.length, 2);
  // The wide one stands for the overlap of the two inside it until it is gone.
  const inner = lan("inner", { cidr: "10.0.0.128/25" });
  t.deepEqual(admit([a, b, inner]).documents, [a]);
});
