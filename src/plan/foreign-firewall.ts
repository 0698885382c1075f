import type { BaseChain, FirewallFacts } from "../model/firewall-facts.ts";
import { HOST, OWNER } from "../model/kernel.ts";

/** Families whose chains see IP packets that are routed or delivered. */
const IP_FAMILIES: ReadonlySet<BaseChain["family"]> = new Set(["inet", "ip", "ip6"]);

/**
 * Firewalls of others that would drop our traffic, one line each for `status` and `plan`. They are named and never edited:
 * a drop in any base chain is final, whatever ours accept (nft(8), "verdict statement").
 */
export function foreignFirewalls({ chains, legacyTables, bridgeCalls }: FirewallFacts): readonly string[] {
  const theirs = chains.filter(({ table }) => !isOurs(table));
  // br_netfilter by itself drops nothing: what it hands frames to has to be there, whatever its policy, since a rule may drop too.
  const filtered = legacyTables.length > 0 || theirs.some(seesForwarded);
  return [
    ...theirs.filter(dropsOurs).map(chainText),
    ...legacyText(legacyTables),
    ...(filtered ? bridgeText(bridgeCalls) : []),
  ];
}

function isOurs(table: string): boolean {
  return table === OWNER.nftTable || table.startsWith(`${OWNER.nftTable}-`);
}

function seesForwarded({ family, hook }: BaseChain): boolean {
  return IP_FAMILIES.has(family) && hook === "forward";
}

function dropsOurs({ family, hook, policy }: BaseChain): boolean {
  if (policy !== "drop") return false;
  // A bridge's own chains see frames between members, those of the others what is routed or for the node.
  return family === "bridge" ? hook === "forward" : IP_FAMILIES.has(family) && (hook === "forward" || hook === "input");
}

function chainText({ netns, family, table, chain, hook }: BaseChain): string {
  const where = netns === HOST ? "" : ` in ${netns}`;
  const loses =
    hook === "input"
      ? "DHCP, DNS and WireGuard of this node"
      : family === "bridge"
        ? "traffic between members of a LAN"
        : "forwarded traffic";
  return `nft chain ${family} ${table} ${chain}${where} is not Netloom's and has policy drop: ${loses} passes only where it accepts it`;
}

function legacyText(tables: readonly string[]): readonly string[] {
  return tables.length === 0
    ? []
    : [
        `iptables-legacy is in use (tables ${tables.join(", ")}): what it drops is not seen by nft; look with iptables-legacy -S`,
      ];
}

function bridgeText(calls: readonly string[]): readonly string[] {
  return calls.length === 0
    ? []
    : [
        `br_netfilter is loaded and ${calls.join(", ")} ${calls.length === 1 ? "is" : "are"} 1: traffic between members of one LAN goes through the firewalls of others for forwarded traffic; set to 0 what nothing needs`,
      ];
}
