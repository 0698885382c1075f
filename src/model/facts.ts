import type { Secret } from "../lib/secret.ts";

/** A network interface as `boot-plan --facts` and the uplink choice see it. */
export interface NicFact {
  readonly name: string;
  readonly mac: string;
  /** True for a NIC with a device behind it (PCI, virtio, USB). */
  readonly physical: boolean;
  readonly carrier: boolean;
  /** Bus and address of the device, e.g. "virtio0". */
  readonly device?: string;
}

/** A DHCPv4 lease as the client reported it; it configures nothing itself. */
export interface LeaseFact {
  readonly nic: string;
  /** "192.168.50.17/24" */
  readonly address: string;
  readonly router?: string;
  readonly server?: string;
  readonly dns: readonly string[];
  readonly ntp: readonly string[];
  /** Seconds since the kernel started (/proc/uptime): a clock that is set later must not end the lease. */
  readonly obtainedAt: number;
  /** Seconds since the kernel started. */
  readonly expiresAt: number;
}

export interface WireguardKeyFact {
  readonly privateKey: Secret;
  readonly publicKey: string;
}

/** Everything beside the documents that a compiler may know. */
export interface Facts {
  readonly nics: readonly NicFact[];
  readonly leases: readonly LeaseFact[];
  /** The NIC chosen before, kept while it exists: the choice does not flap. */
  readonly uplink: string | null;
  /** Keys by the name of the NetworkResource. */
  readonly wireguardKeys: Readonly<Record<string, WireguardKeyFact>>;
  /** Where files go that a reboot may lose, e.g. "/run/netloom". */
  readonly runtimeDir: string;
  /** Where files go that a reboot should keep, e.g. "/var/cache/modules/network". */
  readonly stateDir: string;
  /** True when this daemon keeps the machine's clock (the image's does; one beside another time client must not). */
  readonly keepsClock: boolean;
}

/** Why a NIC became the uplink, or did not. */
export interface NicDecision {
  readonly nic: string;
  readonly mac: string;
  readonly chosen: boolean;
  readonly reasons: readonly string[];
}

/** What a LAN compiles from beside its document and the uplink's name servers. */
export type LanFacts = Pick<Facts, "nics" | "runtimeDir" | "stateDir">;
