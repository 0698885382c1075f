import type { ActualWireguard } from "../model/actual.ts";
import type { PeerStatus } from "../model/report.ts";

/** Peers of a WireGuard device for `status`; `w-demo` belongs to the resource `demo`. */
export function peerStatus(device: ActualWireguard): readonly PeerStatus[] {
  return device.peers.map(({ publicKey, endpoint, lastHandshake, rxBytes, txBytes }) => ({
    resource: device.dev.replace(/^w-/u, ""),
    publicKey,
    endpoint,
    lastHandshake,
    rxBytes,
    txBytes,
    // WireGuard ignores what it cannot use without a word (FINDINGS.md 3.2).
    ...(txBytes > 0 && rxBytes === 0
      ? { note: "sent, never answered: the peer is away, its key is another, or this node's clock went back" }
      : {}),
  }));
}
