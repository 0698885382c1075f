import test from "ava";
import { facts, lan, nic, node } from "../testing/builders.ts";
import { formatIssue } from "../model/report.ts";
import { compile } from "./compile.ts";
import { parseDocuments } from "./parse-documents.ts";
import { findConflicts } from "./conflicts.ts";

/** What is said to a `Node` with this text in it. */
function said(text: string): readonly string[] {
  const { documents, issues } = parseDocuments([
    { name: "n.yaml", text: `apiVersion: netloom/v1\nkind: Node\nname: n1\n${text}\n` },
  ]);
  return [...issues, ...findConflicts(documents)].map(formatIssue);
}

const none = "is no address that a machine can have";
const reserved = "is the address of the network itself, or its broadcast address";
const refusals: Readonly<Record<string, readonly string[]>> = {
  "uplink: {addresses: [10.0.0.0/24]}": [`n.yaml:4: uplink.addresses.0 ${reserved}`],
  "uplink: {addresses: ['10.0.0.255/24']}": [`n.yaml:4: uplink.addresses.0 ${reserved}`],
  "uplink: {addresses: [127.0.0.1/8, 224.0.0.5/24, 'ff02::5/64', '::1/128']}": [0, 1, 2, 3].map(
    (at) => `n.yaml:4: uplink.addresses.${at} ${none}`,
  ),
  "uplink: {addresses: [10.0.0.5/24, 10.0.0.5/16]}": ["uplink.addresses Node n1: uplink.addresses has 10.0.0.5 twice"],
  "uplink: {gateways: [0.0.0.0]}": [`n.yaml:4: uplink.gateways.0 ${none}`],
  "uplink: {gateways: [10.0.0.1, 10.0.0.2]}": [
    "uplink.gateways Node n1: uplink.gateways has 2 of IPv4: one default route needs one",
  ],
  "uplink: {addresses: [10.0.0.5/24], gateways: [10.0.0.5]}": [
    "uplink.gateways Node n1: the gateway 10.0.0.5 of the uplink is its own address",
  ],
  "uplink: {mode: static}": [
    "uplink.addresses Node n1: uplink.mode static needs uplink.addresses: without one the node would have no address",
  ],
  "uplink: {mode: static, addresses: [10.0.0.5/24], gateways: ['fe80::1']}": [
    "uplink.gateways Node n1: the uplink has an IPv6 gateway and no IPv6 address to reach it from",
  ],
  "uplink: {mode: ra, gateways: [10.0.0.1]}": [
    "uplink.gateways Node n1: the uplink has an IPv4 gateway and no IPv4 address to reach it from",
  ],
  "uplink: {mode: none, addresses: [10.0.0.5/24]}": [
    "uplink.mode Node n1: uplink.mode none means that there is no uplink: leave its addresses and gateways out, or the mode",
  ],
  "uplink: {mode: dhcp4, prefix: true}": [
    "uplink.prefix Node n1: uplink.prefix is asked for by DHCPv6, which uplink.mode dhcp4 does without",
  ],
  "uplink: {nics: []}": ["n.yaml:4: uplink.nics is empty: leave it out for every NIC, or say mode: none for no uplink"],
  "uplink: {bridge: default}": ["n.yaml:4: uplink.bridge is a name that the kernel uses itself"],
  "uplink: {bridge: zos%d}": ["n.yaml:4: uplink.bridge may hold letters, digits and . _ @ - only"],
  "uplink: {checks: ['icmp://0.0.0.0', 'tcp://127.0.0.1:80']}": [0, 1].map(
    (at) =>
      `n.yaml:4: uplink.checks.${at} is neither tcp://ADDRESS:PORT (IPv6 in brackets) nor icmp://ADDRESS of a machine; names are not looked up`,
  ),
  "uplink: {vlan: 4095}": ["n.yaml:4: uplink.vlan is above 4094"],
  "uplink: {vlan: eth0}": ["n.yaml:4: uplink.vlan is neither a VLAN from 1 to 4094 nor none"],
  "ntp: [192.168.1.300]": ["n.yaml:4: ntp.0 is not a host name: the last of several parts is no number"],
  "public: {addresses: [203.0.113.0/24], gateways: [203.0.113.1]}": [`n.yaml:4: public.addresses.0 ${reserved}`],
  "public: {addresses: [203.0.113.5/24], gateways: [203.0.113.5]}": [
    "public.gateways Node n1: the gateway 203.0.113.5 of the public side is its own address",
  ],
};

for (const [text, expected] of Object.entries(refusals)) {
  test(`refused: ${text}`, (t) => {
    t.deepEqual(said(text), expected);
  });
}

const fine = [
  "uplink: {addresses: [192.0.2.7/32, '2001:db8::7/64'], gateways: [172.31.1.1, 'fe80::1']}",
  "uplink: {mode: static, addresses: [10.0.0.0/31]}",
  "uplink: {mode: dhcp4, addresses: [10.0.0.5/24], gateways: [10.0.0.1]}",
  "uplink: {gateways: ['2001:db8::1']}",
  "ntp: [192.168.1.30, pool.ntp.example, ntp1]",
  "public: {addresses: ['2001:db8::7/64']}",
];

for (const text of fine) {
  test(`taken: ${text}`, (t) => {
    t.deepEqual(said(text), []);
  });
}

test("a bridge of the uplink that is called as a NIC is refused once there is one", (t) => {
  const document = node({ uplink: { bridge: "eth1" } });
  t.deepEqual(compile([document], facts({ nics: [nic("eth0")] })).issues, []);
  t.deepEqual(compile([document, lan("lab")], facts({ nics: [nic("eth0"), nic("eth1")] })).issues.map(formatIssue), [
    "uplink.bridge Node node: uplink.bridge eth1 is the name of a NIC: give the bridge above it another one",
  ]);
});
