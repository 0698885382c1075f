import test from "ava";
import fc from "fast-check";
import type { NodeDocument } from "../model/document.ts";
import type { NodeSettings } from "../model/settings.ts";
import { node as nodeDocument } from "../testing/builders.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { settings } from "./settings.ts";

const of = (cmdline: string, node: NodeDocument | null = null): NodeSettings =>
  settings(node, parseCommandLine(cmdline).flags);

/** A field that both can speak of: how each says it, and what it is then. */
interface Field {
  readonly key: keyof NodeSettings;
  readonly document: { readonly part: Partial<NodeDocument>; readonly value: unknown };
  readonly flag: { readonly word: string; readonly value: unknown };
}

const uplink = (part: NonNullable<NodeDocument["uplink"]>): Partial<NodeDocument> => ({ uplink: part });
const FIELDS: readonly Field[] = [
  {
    key: "hostname",
    document: { part: { hostname: "doc" }, value: "doc" },
    flag: { word: "netloom.hostname=flag", value: "flag" },
  },
  {
    key: "nics",
    document: { part: uplink({ nics: ["en*"] }), value: ["en*"] },
    flag: { word: "netloom.nic=eth*", value: ["eth*"] },
  },
  { key: "vlan", document: { part: uplink({ vlan: 5 }), value: 5 }, flag: { word: "vlan:priv=6", value: 6 } },
  {
    key: "mtu",
    document: { part: uplink({ mtu: 1400 }), value: 1400 },
    flag: { word: "netloom.mtu=9000", value: 9000 },
  },
  {
    key: "dns",
    document: { part: { dns: ["10.0.0.1"] }, value: ["10.0.0.1"] },
    flag: { word: "netloom.dns=10.0.0.2", value: ["10.0.0.2"] },
  },
  {
    key: "ntp",
    document: { part: { ntp: ["10.0.0.3"] }, value: ["10.0.0.3"] },
    flag: { word: "netloom.ntp=10.0.0.4", value: ["10.0.0.4"] },
  },
  {
    key: "probeTimeout",
    document: { part: uplink({ probeTimeout: 5 }), value: 5 },
    flag: { word: "netloom.probe-timeout=7", value: 7 },
  },
  {
    key: "addressing",
    document: {
      part: uplink({ mode: "ra" }),
      value: { dhcp4: false, dhcp6: false, ra: true, addresses: [], gateways: [] },
    },
    flag: { word: "ip=dhcp", value: { dhcp4: true, dhcp6: false, ra: false, addresses: [], gateways: [] } },
  },
];

test("whatever document and flags say, the document wins field by field, and each field has its source", (t) => {
  const subset = fc.subarray([...FIELDS]);
  fc.assert(
    fc.property(subset, subset, (byDocument, byFlag) => {
      const parts = byDocument.map(({ document }) => document.part);
      const whole = nodeDocument({ name: "n1" });
      const merged = parts.reduce<NodeDocument>(
        (node, part) => ({
          ...node,
          ...part,
          ...(part.uplink === undefined ? {} : { uplink: { ...node.uplink, ...part.uplink } }),
        }),
        whole,
      );
      const found = of(byFlag.map(({ flag }) => flag.word).join(" "), merged);
      const nothing = of("");
      for (const field of FIELDS) {
        const expected = byDocument.includes(field)
          ? { value: field.document.value, source: "Node n1" }
          : byFlag.includes(field)
            ? { value: field.flag.value, source: `flag ${field.flag.word}` }
            : nothing[field.key];
        t.deepEqual(found[field.key], expected as never, field.key);
      }
    }),
    { numRuns: 100 },
  );
});

test("what one of them ignores the other does not bring back", (t) => {
  const { ignore } = of("netloom.ignore=eth2 ip=eth3:off", nodeDocument({ name: "n1", uplink: { ignore: ["eth1"] } }));
  t.deepEqual(ignore, { value: ["eth1", "eth2", "eth3"], source: "Node n1, flag netloom.ignore=eth2 ip=eth3:off" });
});

test("an `ip=` that names its interface makes that one the only candidate, and has addresses of its own", (t) => {
  const found = of("ip=eth1:dhcp ip=eth2:auto6");
  t.deepEqual(found.nics.value, ["eth1", "eth2"]);
  t.deepEqual(found.prefer.value, ["eth1"], "the first one is preferred");
  t.deepEqual(
    found.addressingOf.map(({ nic, addressing: { value, source } }) => [
      nic,
      value.dhcp4,
      value.dhcp6,
      value.ra,
      source,
    ]),
    [
      ["eth1", true, false, false, "flag ip=eth1:dhcp"],
      ["eth2", false, "auto", true, "flag ip=eth2:auto6"],
    ],
  );
  t.is(of("ip=eth1:dhcp ip=dhcp").nics.value, null, "with one for all, all are candidates");
  t.deepEqual(of("ip=eth1:dhcp netloom.nic=eth*").nics.value, ["eth*"]);
  t.deepEqual(of("ip=eth1:dhcp bootdev=eth7 BOOTIF=01-52-54-00-00-00-01").prefer.value, ["eth7", "52:54:00:00:00:01"]);
});

test("`ip=off` is no uplink, unless the document says how to get addresses or another word names an interface", (t) => {
  t.like(of("ip=off").wantsUplink, { value: false, source: "flag ip=off" });
  t.true(of("ip=off ip=eth1:dhcp").wantsUplink.value);
  t.true(of("ip=off", nodeDocument({ uplink: { mode: "dhcp4" } })).wantsUplink.value);
  t.false(of("ip=dhcp", nodeDocument({ uplink: { mode: "none" } })).wantsUplink.value);
});

test("with DHCPv6 routers are heard, since only they say that they are", (t) => {
  t.like(of("ip=dhcp6").addressing.value, { dhcp6: true, ra: true, dhcp4: false });
});
