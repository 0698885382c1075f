import { zstdDecompressSync } from "node:zlib";
import test from "ava";
import { formatIssue } from "../../../src/model/report.ts";
import { parseDocuments } from "../../../src/plan/parse-documents.ts";
import type { NodeSpec } from "../topology.ts";
import { resolveRoles } from "./index.ts";
import { networkCidr, networkCidr6 } from "./place.ts";

const networks = ["wan", "lan", "dmz"];

function fileOf(spec: NodeSpec | undefined, path: string): string {
  const file = spec?.files?.[path] ?? "";
  return typeof file === "string" ? file : "content" in file ? String(file.content) : file.from;
}

test("networks have ranges of their own, which follow from their position alone", (t) => {
  t.deepEqual(
    networks.map((name) => networkCidr(networks, name)),
    ["192.168.50.0/24", "192.168.51.0/24", "192.168.52.0/24"],
  );
  t.deepEqual(
    networks.map((name) => networkCidr6(networks, name)),
    ["fd50::/64", "fd50:0:0:1::/64", "fd50:0:0:2::/64"],
  );
});

test("a gateway says in valid documents what it serves on each of its networks", (t) => {
  const { nodes } = resolveRoles({
    networks,
    nodes: {
      gw: { role: "gateway", nics: ["lan", "dmz"], cmdline: "loglevel=7" },
      own: { role: "gateway", nics: ["wan"], cidr: "10.1.0.0/16", ntp: false },
    },
  });
  const documentsOf = (name: string): readonly unknown[] => {
    const [, inline = ""] = /netloom\.config=inline:(\S+)/u.exec(nodes[name]?.cmdline ?? "") ?? [];
    const text = zstdDecompressSync(Buffer.from(inline, "base64")).toString();
    const { documents, issues } = parseDocuments([{ name, text }]);
    t.deepEqual(issues.map(formatIssue), []);
    return documents;
  };
  t.like(documentsOf("gw"), [
    { kind: "Node", hostname: "gw", ntpServe: ["192.168.51.0/24", "192.168.52.0/24"] },
    {
      kind: "Lan",
      cidr: "192.168.51.0/24",
      gateway: "192.168.51.1",
      ipv6: { cidr: "fd50:0:0:1::/64" },
      nics: ["eth0"],
    },
    { kind: "Lan", cidr: "192.168.52.0/24", gateway: "192.168.52.1", nics: ["eth1"] },
  ]);
  t.like(documentsOf("own"), [
    { kind: "Node", ntpServe: undefined },
    { cidr: "10.1.0.0/16", gateway: "10.1.0.1", ntp: [] },
  ]);
  t.regex(nodes["gw"]?.cmdline ?? "", / loglevel=7$/u);
});

test("a Debian node starts no Netloom daemon, and its NICs as they were told", (t) => {
  const { nodes } = resolveRoles({
    networks,
    nodes: {
      other: { nics: [] },
      n1: {
        role: "debian",
        nics: ["lan", "dmz", "wan"],
        addresses: ["auto", "none"],
        via: "192.168.51.1",
        services: { echo: "exec nc -lk -p 7 -e cat" },
      },
    },
  });
  t.is(nodes["other"]?.files, undefined);
  const n1 = nodes["n1"];
  t.is(fileOf(n1, "/etc/netloom/services/netloom/down"), "");
  t.regex(
    fileOf(n1, "/usr/lib/lab/eth0"),
    /address replace 192\.168\.51\.11\/24 dev eth0\nip route replace default via 192\.168\.51\.1 /u,
  );
  t.notRegex(fileOf(n1, "/usr/lib/lab/eth1"), /address|udhcpc|default/u);
  t.regex(fileOf(n1, "/usr/lib/lab/eth2"), /exec udhcpc -f -i eth2/u);
  t.regex(fileOf(n1, "/etc/netloom/services/echo/run"), /in-cgroup echo \/usr\/lib\/lab\/echo/u);
});

test("a NAT router serves its inside and keeps files of its own", (t) => {
  const { nodes } = resolveRoles({
    networks,
    nodes: {
      router: {
        role: "nat-router",
        nics: ["wan", "dmz"],
        inside: "10.9.8.0/26",
        files: { "/etc/lab/nat.nft": "mine" },
      },
    },
  });
  const { router } = nodes;
  t.regex(fileOf(router, "/usr/lib/lab/eth0"), /udhcpc/u);
  t.regex(fileOf(router, "/usr/lib/lab/eth1"), /10\.9\.8\.1\/26/u);
  t.regex(fileOf(router, "/etc/lab/dnsmasq.conf"), /dhcp-range=10\.9\.8\.16,10\.9\.8\.62,/u);
  t.is(fileOf(router, "/etc/lab/nat.nft"), "mine");
});

test("a PXE client is given no kernel and nobody waits for an agent, unless it says otherwise", (t) => {
  const { nodes } = resolveRoles({
    networks,
    nodes: { a: { role: "pxe-client", nics: ["lan"] }, b: { role: "pxe-client", nics: ["lan"], agent: true } },
  });
  t.deepEqual(nodes["a"], { boot: "network", agent: false, nics: ["lan"] });
  t.is(nodes["b"]?.agent, true);
});
