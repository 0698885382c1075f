import test from "ava";
import fc from "fast-check";
import type { LanDocument } from "../model/document.ts";
import { cidr, contains } from "../lib/ip.ts";
import { lan } from "../testing/builders.ts";
import { lanAddresses, renderDnsmasq } from "./dnsmasq.ts";
import { parseDocuments } from "./parse-documents.ts";

const render = (document: LanDocument, upstream: readonly string[] = []): string => {
  const { v4, v6 } = lanAddresses(document);
  const [gateway = "", gateway6] = [v4, v6].map((address) => address?.split("/")[0]);
  return renderDnsmasq({
    lan: document,
    bridge: `l-${document.name}`,
    gateway,
    gateway6,
    upstream,
    leaseFile: "/state/leases",
  });
};

test("the text of a LAN with everything", (t) => {
  const document = lan("lab", {
    cidr: "192.168.50.0/24",
    dhcp: true,
    ipv6: { cidr: "fd00:50::/64", dhcp: true },
    dns: ["192.168.50.1", "9.9.9.9", "fd00:50::1"],
    ntp: ["192.168.50.1"],
  });
  t.is(
    render(document, ["192.0.2.53", "2001:db8::53"]),
    `# Written by Netloom from the LAN's document; changes here are overwritten.
interface=l-lab
except-interface=lo
bind-dynamic
no-hosts
no-resolv
server=192.0.2.53
server=2001:db8::53
domain-needed
bogus-priv
domain=lab.lan
local=/lab.lan/
dhcp-fqdn
dhcp-authoritative
no-ping
quiet-ra
dhcp-leasefile=/state/leases
dhcp-range=192.168.50.64,192.168.50.254,1h
dhcp-option=option:router,192.168.50.1
dhcp-option=option:dns-server,192.168.50.1,9.9.9.9
dhcp-option=option:ntp-server,192.168.50.1
enable-ra
dhcp-range=fd00:50::1000,fd00:50::1fff,slaac,64,1h
dhcp-option=option6:dns-server,[fd00:50::1]
`,
  );
});

test("the smallest LAN gives its one address, and a LAN that only advertises gives none by DHCPv6", (t) => {
  t.regex(render(lan("a", { cidr: "10.0.0.0/30", dhcp: true })), /^dhcp-range=10\.0\.0\.2,10\.0\.0\.2,1h$/mu);
  const advertised = render(lan("a", { cidr: "10.0.0.0/24", dhcp: true, ipv6: { cidr: "fd00::/64", dhcp: false } }));
  t.regex(advertised, /^dhcp-range=fd00::,ra-only,64,1h$/mu);
});

test("whatever the size of a LAN, the range lies inside it, without its network, its first address and its broadcast", (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 30 }), (prefix) => {
      const network = cidr(`10.0.0.0/${prefix}`);
      const [, from = "", to = ""] =
        /^dhcp-range=([\d.]+),([\d.]+),/mu.exec(render(lan("a", { cidr: `10.0.0.0/${prefix}`, dhcp: true }))) ?? [];
      for (const end of [from, to]) {
        t.true(contains(network, cidr(`${end}/32`)), `${end} in /${prefix}`);
        t.notRegex(end, /^10\.0\.0\.[01]$/u);
      }
      const hosts = (text: string): bigint => text.split(".").reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
      t.true(hosts(from) <= hosts(to));
      t.true(hosts(to) - hosts("10.0.0.0") <= 2n ** BigInt(32 - prefix) - 2n);
    }),
  );
});

/** Text that would be a line, an option or an argument of its own if it got through. */
const INJECTIONS = [
  "\n",
  "\r",
  "\u2028",
  ",",
  "#",
  "/",
  "\\",
  "=",
  " ",
  "\t",
  "\0",
  "'",
  '"',
  "$(id)",
  "`id`",
  ";",
  "%",
  "*\n",
  "é",
  "-",
  ".",
];

test("no value that is text can bring a line or an option of its own into the configuration", (t) => {
  const base = lan("lab", {
    cidr: "10.5.0.0/24",
    dhcp: true,
    ipv6: { cidr: "fd00::/64", dhcp: true },
    ntp: ["10.5.0.1"],
    dns: ["10.5.0.1"],
  });
  const spoiled = (value: string, bad: string, where: number): string =>
    value.slice(0, where) + bad + value.slice(where);
  const fields: readonly ((change: (value: string) => string) => object)[] = [
    (change) => ({ name: change(base.name) }),
    (change) => ({ cidr: change(base.cidr) }),
    (change) => ({ gateway: change("10.5.0.1") }),
    (change) => ({ ipv6: { cidr: change("fd00::/64") } }),
    (change) => ({ dns: [change("10.5.0.1")] }),
    (change) => ({ ntp: [change("10.5.0.1")] }),
  ];
  const lines = render(base).split("\n").length;
  fc.assert(
    fc.property(
      fc.constantFrom(...fields),
      fc.constantFrom(...INJECTIONS),
      fc.nat({ max: 12 }),
      (field, bad, where) => {
        const document = { ...base, ...field((value) => spoiled(value, bad, Math.min(where, value.length))) };
        // JSON is YAML.
        const { documents } = parseDocuments([{ name: "a", text: JSON.stringify(document) }]);
        const [accepted] = documents;
        if (accepted?.kind !== "Lan") return;
        const text = render(accepted);
        t.is(text.split("\n").length, lines, text);
        t.regex(text.slice(text.indexOf("\n") + 1), /^[A-Za-z0-9=/.,:_[\]\n-]*$/u);
      },
    ),
    { numRuns: 1000 },
  );
});
