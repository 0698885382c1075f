import type { Sandbox } from "./sandbox.ts";

/**
 * What `script`, which prints links as `ip link` or `ip -o link` does, with their numbers or without, says once the kernel has finished with their carriers: it changes a link's carrier
 * at once, and up to a second later its operational state (RFC 2863) with the routes' "linkdown" (net/core/link_watch.c). Looks taken in
 * between differ though nothing is left to be done. All links of the sandbox are waited for: a bridge has no carrier, and follows that,
 * until its port's state says so (net/bridge/br_if.c, br_port_carrier_check).
 */
export async function lookAtLinks(sandbox: Sandbox, script: string): Promise<string> {
  return await sandbox.until("the operational states of links to follow their carriers", async () => {
    const all = await sandbox.ip("-o link");
    const text = await sandbox.output(["sh", "-c", script]);
    return flagsOfLinks(`${all}${text}`).some(followsLate) ? undefined : text;
  });
}

/** The flags of each link of a text of `ip -o link`. */
function flagsOfLinks(text: string): readonly ReadonlySet<string>[] {
  return [...text.matchAll(/^(?:\d+: )?\S+: <([^>]*)>/gmu)].map(([, flags = ""]) => new Set(flags.split(",")));
}

/** "NO-CARRIER" is iproute2's word for a link that is up and not running, "LOWER_UP" for the carrier itself (ip-link(8)). */
function followsLate(flags: ReadonlySet<string>): boolean {
  return flags.has("UP") && flags.has("NO-CARRIER") === flags.has("LOWER_UP");
}
