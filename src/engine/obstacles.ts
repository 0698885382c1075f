import type { Host } from "../host/host.ts";
import { foreignFirewalls } from "../plan/foreign-firewall.ts";
import type { StoredDocument } from "./store.ts";

/** What of others would drop our traffic, one line each; nothing while no document has any traffic to lose. */
export async function findObstacles(host: Host, documents: readonly StoredDocument[]): Promise<readonly string[]> {
  if (documents.every(({ document }) => document.kind === "Node")) return [];
  return foreignFirewalls(await host.firewalls());
}
