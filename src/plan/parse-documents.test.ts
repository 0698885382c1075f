import test from "ava";
import { formatIssue } from "../model/report.ts";
import { parseDocuments } from "./parse-documents.ts";

const lines = (text: string): readonly string[] =>
  parseDocuments([{ name: "net.yaml", text }]).issues.map((issue) => formatIssue(issue));

test("a mistyped key is named with file, line and the nearest known key", (t) => {
  t.deepEqual(lines("apiVersion: netloom/v1\nkind: Lan\nname: lab\ncidr: 10.0.0.0/24\ngatway: 10.0.0.1\n"), [
    "net.yaml:5: gatway is not a known key, did you mean gateway?",
  ]);
});

test("all errors of all documents of a file are reported at once, each with its own line", (t) => {
  const text = `apiVersion: netloom/v1
kind: NetworkResource
name: far/too long
subnet: 10.1.3.0/25
range: 10.1.0.0/16
wireguard:
  listenport: 1
  peers:
    - publicKey: short
      allowedIps: []
---
kind: lan
`;
  t.deepEqual(lines(text), [
    "net.yaml:3: name may hold letters, digits, '-' and '_' only, and begins with a letter or digit",
    "net.yaml:4: subnet is not a /24",
    "net.yaml:6: wireguard.listenPort is missing",
    "net.yaml:9: wireguard.peers.0.publicKey is not a WireGuard key: 32 bytes in base64, 44 characters",
    "net.yaml:10: wireguard.peers.0.allowedIps is empty: a peer without allowed IPs can neither send nor receive",
    "net.yaml:7: wireguard.listenport is not a known key, did you mean listenPort?",
    "net.yaml:12: kind 'lan' is unknown, did you mean Lan? (a document is one of Node, Lan, NetworkResource)",
  ]);
});

test("YAML that does not parse names the line", (t) => {
  const [first] = lines("kind: Lan\nname: [unclosed\ncidr: x\n");
  t.regex(first ?? "", /^net\.yaml:\d+: /u);
  t.deepEqual(lines("kind: Lan\nname: a\nname: b\n"), ["net.yaml:3: Map keys must be unique"]);
});

test("a number where a name is expected says that it needs quotes", (t) => {
  t.deepEqual(lines("apiVersion: netloom/v1\nkind: Lan\nname: 0x10\ncidr: 10.0.0.0/24\n"), [
    "net.yaml:3: name is no text: quote it",
  ]);
});

test("defaults are filled in, addresses are made canonical", (t) => {
  const { documents, issues } = parseDocuments([
    {
      name: "a",
      text: "apiVersion: netloom/v1\nkind: Lan\nname: lab\ncidr: 10.0.0.0/24\nipv6: {cidr: 'FD00:0::/64'}\n",
    },
  ]);
  t.deepEqual(issues, []);
  t.like(documents[0], {
    type: "bridge",
    backend: "linux",
    dhcp: false,
    ipv6: { cidr: "fd00::/64", dhcp: true },
    nics: [],
  });
});

test("an empty text holds no document and no issue", (t) => {
  t.deepEqual(parseDocuments([{ name: "a", text: "# nothing\n" }]), { documents: [], issues: [] });
});
