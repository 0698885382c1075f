import test from "ava";
import type { BaseChain, FirewallFacts } from "../model/firewall-facts.ts";
import { HOST } from "../model/kernel.ts";
import { foreignFirewalls } from "./foreign-firewall.ts";

const none: FirewallFacts = { chains: [], legacyTables: [], bridgeCalls: [] };
const docker: BaseChain = {
  netns: HOST,
  family: "ip",
  table: "filter",
  chain: "FORWARD",
  hook: "forward",
  policy: "drop",
};
const chains = (...parts: readonly Partial<BaseChain>[]): readonly string[] =>
  foreignFirewalls({ ...none, chains: parts.map((part) => ({ ...docker, ...part })) });

test("a chain like Docker's is named, with what it takes", (t) => {
  t.deepEqual(chains({}), [
    "nft chain ip filter FORWARD is not Netloom's and has policy drop: forwarded traffic passes only where it accepts it",
  ]);
  t.regex(chains({ hook: "input", netns: "ndemo" })[0] ?? "", /in ndemo .* DHCP, DNS and WireGuard/u);
  t.regex(chains({ family: "bridge" })[0] ?? "", /between members of a LAN/u);
});

test("what cannot drop ours is not named: an accepting chain, our own, another hook, frames for the node", (t) => {
  t.deepEqual(
    chains(
      { policy: "accept" },
      { table: "netloom" },
      { table: "netloom-lab" },
      { hook: "output" },
      { family: "bridge", hook: "input" },
      { family: "arp", hook: "input" },
    ),
    [],
  );
  // A name that only begins like ours is someone else's.
  t.is(chains({ table: "netloomish" }).length, 1);
});

test("the old iptables and br_netfilter are named, once each", (t) => {
  t.deepEqual(foreignFirewalls(none), []);
  const [legacy, bridge, ...more] = foreignFirewalls({
    ...none,
    legacyTables: ["filter", "nat"],
    bridgeCalls: ["net.bridge.bridge-nf-call-iptables"],
  });
  t.regex(legacy ?? "", /^iptables-legacy is in use \(tables filter, nat\)/u);
  t.regex(bridge ?? "", /^br_netfilter is loaded and net\.bridge\.bridge-nf-call-iptables is 1/u);
  t.deepEqual(more, []);
});

test("br_netfilter is named only where there is a firewall of others for forwarded traffic, whatever its policy", (t) => {
  const bridgeCalls = ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
  const accepting = { ...docker, policy: "accept" } as const;
  t.deepEqual(foreignFirewalls({ ...none, bridgeCalls }), []);
  t.deepEqual(foreignFirewalls({ ...none, bridgeCalls, chains: [{ ...accepting, hook: "output" }] }), []);
  t.deepEqual(foreignFirewalls({ ...none, bridgeCalls, chains: [{ ...accepting, table: "netloom" }] }), []);
  const [bridge] = foreignFirewalls({ ...none, bridgeCalls, chains: [accepting] });
  t.regex(bridge ?? "", /call-iptables, net\.bridge\.bridge-nf-call-ip6tables are 1/u);
});
