/** A base chain of nftables: one that the kernel's hooks call. */
export interface BaseChain {
  readonly netns: string;
  readonly family: "inet" | "ip" | "ip6" | "arp" | "bridge" | "netdev" | "other";
  readonly table: string;
  readonly chain: string;
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress" | "other";
  readonly policy: "accept" | "drop";
}

/** What other firewalls of a namespace could do to our traffic. */
export interface FirewallFacts {
  readonly chains: readonly BaseChain[];
  /** Tables of the old iptables (not iptables-nft), as /proc/net/ip_tables_names lists them. */
  readonly legacyTables: readonly string[];
  /** net.bridge.bridge-nf-call-* that are 1; empty where br_netfilter is not loaded. */
  readonly bridgeCalls: readonly string[];
}
