import type { ActualWireguard } from "../model/actual.ts";
import { documentId } from "../model/document.ts";
import type { Waiting } from "../model/waiting.ts";
import { CLOCK_PATIENCE_SECONDS } from "./clock.ts";
import type { Compiled } from "./compile.ts";

/** A server that is there answers long before, also one that is asked less and less often (dhcpcd, RFC 8415 section 15). */
const LEASE_SECONDS = 60;
/** WireGuard tries every 5 s (REKEY_TIMEOUT of drivers/net/wireguard/messages.h). */
const HANDSHAKE_SECONDS = 30;
/** REJECT_AFTER_TIME of drivers/net/wireguard/messages.h: older sessions carry nothing. */
const SESSION_SECONDS = 180;

export interface OperationalFacts {
  readonly compiled: Pick<Compiled, "wantsUplink" | "uplink" | "node" | "clock">;
  readonly devices: readonly ActualWireguard[];
  /** Seconds since the kernel started at which the unit of a document became what it is, or the node lost its uplink. */
  readonly since: (id: string) => number | undefined;
  /** Seconds since the kernel started, and since 1970. */
  readonly now: number;
  readonly unixNow: number;
}

/** What was set up, holds in the kernel, and is not known to work yet. */
export function waitingFor({ compiled, devices, since, now, unixNow }: OperationalFacts): readonly Waiting[] {
  const { wantsUplink, uplink, node, clock } = compiled;
  const waits = (document: string, what: string, from: number, deadline: number): Waiting => {
    const seconds = Math.max(0, Math.round(now - from));
    return { document, for: what, seconds, deadline, overdue: seconds > deadline };
  };
  const lease =
    wantsUplink && uplink === null ? [waits(node, "a lease for an uplink", since(node) ?? now, LEASE_SECONDS)] : [];
  const handshakes = devices.flatMap(({ dev, peers }) => {
    const document = documentId({ kind: "NetworkResource", name: dev.replace(/^w-/u, "") });
    return peers.flatMap(({ publicKey, endpoint, keepalive, lastHandshake }) => {
      // A peer that we do not call, or do not have to, may be silent for as long as it likes.
      if (endpoint === null || keepalive === 0) return [];
      const idle = unixNow - lastHandshake - SESSION_SECONDS;
      if (lastHandshake > 0 && idle <= 0) return [];
      const from = lastHandshake > 0 ? now - idle : (since(document) ?? now);
      return [waits(document, `a handshake with ${publicKey} at ${endpoint}`, from, HANDSHAKE_SECONDS)];
    });
  });
  // Without an uplink that is what is waited for.
  const time =
    clock.until === undefined || clock.waits === null
      ? []
      : [
          waits(
            node,
            `${clock.waits}, before WireGuard starts`,
            clock.until - CLOCK_PATIENCE_SECONDS,
            CLOCK_PATIENCE_SECONDS,
          ),
        ];
  return [...lease, ...time, ...handshakes];
}
