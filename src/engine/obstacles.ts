import type { Host } from "../host/host.ts";
import { describeError } from "../lib/errors.ts";
import { foreignFirewalls } from "../plan/foreign-firewall.ts";
import type { StoredDocument } from "./store.ts";

/** What of others would drop our traffic, one line each; nothing while no document has any traffic to lose. */
export async function findObstacles(host: Host, documents: readonly StoredDocument[]): Promise<readonly string[]> {
  if (documents.every(({ document }) => document.kind === "Node")) return [];
  return await host.firewalls().then(foreignFirewalls, (error: unknown) => [
    // Neither a plan nor the rest of the status waits for it.
    `cannot see the firewalls of others: ${describeError(error)}`,
  ]);
}
