import type { ActualPeer, ActualWireguard } from "../../model/actual.ts";
import type { WireguardPeerSpec, WireguardSpec } from "../../model/kernel.ts";
import type { PeerChange, Step } from "../../model/step.ts";
import type { KindDiffer } from "./kind-differ.ts";

/**
 * WireGuard is changed peer by peer and never replaced: replacing drops every session.
 * An endpoint is given when the peer is new or the wish changed; between, the kernel's roaming decides (FINDINGS.md 3.1).
 * A preshared key is compared by its fingerprint.
 */
export const wireguardDiffer: KindDiffer<"wireguard"> = {
  kind: "wireguard",
  owned: () => false,
  vanishes: (seen, context) => context.linkVanishes(seen.netns, seen.dev),
  foreign: (spec, context) => context.foreign(spec.netns, spec.dev),
  add: (spec) => [device(spec), ...spec.peers.map((peer) => setPeer(spec, peer))],
  change: changeWireguard,
  remove: () => [],
};

function changeWireguard(spec: WireguardSpec, seen: ActualWireguard): readonly Step[] {
  const same =
    spec.publicKey === seen.publicKey && spec.listenPort === seen.listenPort && (spec.fwmark ?? 0) === seen.fwmark;
  const steps: Step[] = same ? [] : [device(spec)];
  const seenPeers = new Map(seen.peers.map((peer) => [peer.publicKey, peer]));
  const wanted = new Set(spec.peers.map((peer) => peer.publicKey));
  for (const { publicKey } of seen.peers) {
    if (!wanted.has(publicKey))
      steps.push({ op: "wireguard.unpeer", args: { netns: spec.netns, dev: spec.dev, publicKey } });
  }
  for (const peer of spec.peers) {
    const existing = seenPeers.get(peer.publicKey);
    if (existing === undefined) steps.push(setPeer(spec, peer));
    else steps.push(...changePeer(spec, peer, existing));
  }
  return steps;
}

function changePeer(spec: WireguardSpec, peer: WireguardPeerSpec, seen: ActualPeer): readonly Step[] {
  const { endpoint, presharedKey, ...rest } = peer;
  const moved = endpoint !== undefined && endpoint !== seen.givenEndpoint;
  const rekeyed = (presharedKey?.fingerprint() ?? null) !== seen.presharedKey;
  const same = peer.keepalive === seen.keepalive && sameSet(peer.allowedIps, seen.allowedIps);
  if (same && !moved && !rekeyed) return [];
  const change: PeerChange = {
    ...rest,
    ...(moved ? { endpoint } : {}),
    ...(rekeyed ? { presharedKey: presharedKey ?? null } : {}),
  };
  return [setPeer(spec, change)];
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every((member) => set.has(member));
}

function device({ peers: _peers, ...rest }: WireguardSpec): Step {
  return { op: "wireguard.device", args: rest };
}

function setPeer({ netns, dev }: WireguardSpec, peer: PeerChange): Step {
  return { op: "wireguard.peer", args: { netns, dev, peer } };
}
