import { readIfExists } from "../lib/atomic-file.ts";
import type { BaseChain, FirewallFacts } from "../model/firewall-facts.ts";
import { HOST } from "../model/kernel.ts";
import { sysctlGet, type Netlink } from "./addon.ts";
import type { NftBaseChains } from "./digest-types.ts";

/** The tables that iptables-legacy has in the kernel (iptables-nft is seen as chains of nftables). */
const LEGACY = ["/proc/self/net/ip_tables_names", "/proc/self/net/ip6_tables_names"];
/** br_netfilter hands bridged frames to the firewalls of routed packets where these are 1 (sysctl/net.rst of the kernel). */
const BRIDGE_CALLS = ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"] as const;
const HOOKS: ReadonlySet<string> = new Set([
  "prerouting",
  "input",
  "forward",
  "output",
  "postrouting",
  "ingress",
  "egress",
] satisfies BaseChain["hook"][]);

/** Looks at the firewalls of the node's namespace; their chains are read again only when someone changed a ruleset. */
export class Firewalls {
  #known: NftBaseChains | undefined;

  async look(netlink: Netlink): Promise<FirewallFacts> {
    const { generation } = await netlink.nftTables();
    if (this.#known?.generation !== generation) this.#known = await netlink.nftChains();
    const [legacy, calls] = await Promise.all([
      Promise.all(LEGACY.map((path) => readIfExists(path))),
      sysctlGet(null, BRIDGE_CALLS),
    ]);
    return {
      chains: this.#known.chains.map(({ name, hook, type: _type, priority: _priority, ...chain }) => ({
        ...chain,
        netns: HOST,
        chain: name,
        hook: isHook(hook) ? hook : "other",
      })),
      legacyTables: [...new Set(legacy.flatMap((text) => (text ?? "").split("\n")).filter((name) => name !== ""))],
      bridgeCalls: BRIDGE_CALLS.filter((key) => calls[key] === "1"),
    };
  }
}

function isHook(hook: string): hook is BaseChain["hook"] {
  return HOOKS.has(hook);
}
