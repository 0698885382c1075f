import { createHash } from "node:crypto";
import { Secret } from "../lib/secret.ts";
import { NO_FLAGS } from "../model/boot-flags.ts";
import {
  API_VERSION,
  type LanDocument,
  type NetworkResourceDocument,
  type NodeDocument,
  type WireguardPeerDocument,
} from "../model/document.ts";
import type { Facts, LeaseFact, NicFact, ProbeFact, WireguardKeyFact } from "../model/facts.ts";

/** A key that is equal for equal seeds and shaped like a WireGuard key. */
export function testKey(seed: string): string {
  return createHash("sha256").update(seed).digest("base64");
}

export function keyFact(seed: string): WireguardKeyFact {
  return { privateKey: new Secret(testKey(`private ${seed}`)), publicKey: testKey(`public ${seed}`) };
}

export function node(part: Partial<NodeDocument> = {}): NodeDocument {
  return {
    apiVersion: API_VERSION,
    kind: "Node",
    name: "node",
    ...part,
  };
}

export function lan(name: string, part: Partial<LanDocument> = {}): LanDocument {
  return {
    apiVersion: API_VERSION,
    kind: "Lan",
    name,
    type: "bridge",
    backend: "linux",
    cidr: "192.168.50.0/24",
    dhcp: false,
    ntp: [],
    nics: [],
    ...part,
  };
}

export function resource(name: string, part: Partial<NetworkResourceDocument> = {}): NetworkResourceDocument {
  return {
    apiVersion: API_VERSION,
    kind: "NetworkResource",
    name,
    subnet: "10.10.1.0/24",
    range: "10.10.0.0/16",
    ...part,
  };
}

export function peer(seed: string, part: Partial<WireguardPeerDocument> = {}): WireguardPeerDocument {
  return { publicKey: testKey(seed), allowedIps: ["10.10.2.0/24"], keepalive: 20, ...part };
}

export function nic(name: string, part: Partial<NicFact> = {}): NicFact {
  return { name, mac: "52:54:00:12:34:56", physical: true, carrier: true, ...part };
}

export function lease(nicName: string, part: Partial<LeaseFact> = {}): LeaseFact {
  return {
    nic: nicName,
    address: "192.168.50.17/24",
    router: "192.168.50.1",
    server: "192.168.50.1",
    dns: [],
    ntp: [],
    obtainedAt: 5,
    expiresAt: 3605,
    ...part,
  };
}

/** The network of a lease, whose router answers as soon as there is one. */
function answered({ router, obtainedAt }: LeaseFact): ProbeFact {
  if (router === undefined) return { since: obtainedAt };
  const gateway4 = { name: "IPv4 gateway", passed: true, detail: `${router} answers` };
  return { since: obtainedAt, gateway4, answeredAt: obtainedAt };
}

/** Facts, with the leases at their NICs. */
export function facts({
  leases = [],
  ...part
}: Partial<Facts> & { readonly leases?: readonly LeaseFact[] } = {}): Facts {
  const nics = (part.nics ?? []).map((one) => {
    const lease4 = leases.find((given) => given.nic === one.name);
    return lease4 === undefined ? one : { ...one, probe: { ...answered(lease4), ...one.probe, lease4 } };
  });
  return {
    now: 0,
    flags: NO_FLAGS,
    uplink: null,
    wireguardKeys: {},
    runtimeDir: "/run/netloom",
    stateDir: "/var/cache/modules/network",
    clock: { synchronised: false },
    appliance: false,
    ...part,
    nics,
  };
}
