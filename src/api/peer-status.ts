import type { ActualWireguard } from "../model/actual.ts";
import type { ClockStatus, PeerStatus } from "../model/report.ts";

/** Peers of a WireGuard device for `status`; `w-demo` belongs to the resource `demo`. */
export function peerStatus(device: ActualWireguard, clock: ClockStatus): readonly PeerStatus[] {
  return device.peers.map(({ publicKey, endpoint, lastHandshake, rxBytes, txBytes }) => ({
    resource: device.dev.replace(/^w-/u, ""),
    publicKey,
    endpoint,
    lastHandshake,
    rxBytes,
    txBytes,
    // WireGuard ignores what it cannot use without a word (FINDINGS.md 3.2).
    ...(txBytes > 0 && rxBytes === 0
      ? { note: `sent, never answered: the peer is away, its key is another, or ${clockText(clock)}` }
      : {}),
  }));
}

/** What may be wrong with this node's clock: peers remember the newest date that they heard of it, and ignore what is older. */
function clockText({ synchronised, ours, source, wentBack }: ClockStatus): string {
  if (wentBack > 0) return `it ignores this node, whose clock went back by ${Math.round(wentBack)} s`;
  if (synchronised) return "this node's clock went back before it was synchronised";
  if (!ours) return "this node's clock went back, which is not synchronised";
  const why = source.length === 0 ? "no time server is known" : `${source.join(", ")} did not answer`;
  return `this node's clock went back, which is not synchronised: ${why}`;
}
