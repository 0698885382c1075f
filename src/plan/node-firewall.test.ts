import test from "ava";
import { HOST, type NftSpec } from "../model/kernel.ts";
import { facts, keyFact, lease, nic, node, resource } from "../testing/builders.ts";
import type { Document } from "../model/document.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { compile } from "./compile.ts";

/** The filters that documents lead to. */
function filters(...documents: readonly Document[]): readonly NftSpec[] {
  const known = facts({
    nics: [nic("eth0")],
    leases: [lease("eth0")],
    wireguardKeys: { a: keyFact("a"), b: keyFact("b") },
  });
  return compile(documents, known).target.flatMap((object) =>
    object.kind === "nft" && object.table === "netloom-node" ? [object] : [],
  );
}

/** Every rule that speaks of `word`, as JSON. */
function rules(spec: NftSpec | undefined, word: string): readonly string[] {
  return (spec?.objects ?? []).map((object) => JSON.stringify(object)).filter((text) => text.includes(word));
}

const mesh = (name: string, listenPort: number): Document =>
  resource(name, { subnet: `10.10.${name.codePointAt(0)}.0/24`, wireguard: { listenPort, peers: [] } });

test("the uplink is filtered before it is chosen, whatever else is: only what comes in by it", (t) => {
  const [spec, ...others] = filters();
  t.is(others.length, 0);
  t.is(spec?.netns, HOST);
  t.deepEqual(rules(spec, "iifname").length, 1);
  t.regex(rules(spec, "iifname")[0] ?? "", /"zos".*"jump":\{"target":"outside"\}/u);
  t.regex(JSON.stringify(spec?.objects.at(-1)), /"expr":\[\{"drop":null\}\]/u);
  const unchosen = compile([], facts({ nics: [nic("eth0")] }));
  t.is(unchosen.uplink, null);
  t.is(unchosen.target.filter(({ kind }) => kind === "nft").length, 1);
  const { flags } = parseCommandLine("bridge=br0:eth0");
  const bridged = compile([], facts({ flags, nics: [nic("eth0"), nic("br0", { made: "bridge" }), nic("eth1")] }));
  t.is(bridged.uplink, null);
  const [before] = bridged.target.flatMap((object) => (object.kind === "nft" ? [object] : []));
  t.regex(rules(before, "iifname").join("\n"), /"br0".*\n.*"zos"/u, "whichever of both becomes it");
});

test("ports of WireGuard in use, what the node opens and whom it serves the time are let in, and nothing else", (t) => {
  const open = { firewall: { open: ["tcp/22", "udp/8000-8010"] }, ntpServe: ["192.168.50.0/24", "fd00::/64"] };
  const [spec] = filters(node(open), mesh("b", 51821), mesh("a", 51820));
  t.regex(rules(spec, "51820")[0] ?? "", /"udp","field":"dport".*\{"set":\[51820,51821\]\}.*accept/u);
  t.regex(rules(spec, '"tcp"')[0] ?? "", /"right":22.*accept/u);
  t.regex(rules(spec, "8000")[0] ?? "", /"right":\{"range":\[8000,8010\]\}.*accept/u);
  t.deepEqual(rules(spec, "123").length, 2);
  t.regex(rules(spec, "123")[1] ?? "", /"ip6","field":"saddr".*"fd00::","len":64/u);
  t.deepEqual(rules(filters(node())[0], '"dport"').length, 2, "DHCP of both families");
});

test("a node without an uplink, and one that says so, has no filter", (t) => {
  t.deepEqual(filters(node({ uplink: { mode: "none" } })), []);
  t.deepEqual(filters(node({ firewall: { mode: "off" } })), []);
});

test("the public side has a filter of its own, where WireGuard's sockets are then", (t) => {
  const side = { nic: "eth0", addresses: ["198.51.100.5/24"], gateways: [] };
  const [uplink, outside] = filters(node({ public: { ...side, nic: "eth1" } }), mesh("a", 51820));
  t.deepEqual([uplink?.netns, outside?.netns], [HOST, "public"]);
  t.deepEqual([rules(uplink, "51820").length, rules(outside, "51820").length], [0, 1]);
  t.regex(rules(outside, "iifname")[0] ?? "", /"public"/u);
  t.deepEqual(rules(outside, '"sport"'), [], "nobody gets an address by DHCP there");
});
