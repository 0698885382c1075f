/** Names of the public side, those of Zero-OS (COMPAT.md 2.2), which other programs of a node look for. */
export const PUBLIC = {
  netns: "public",
  /** The link in the namespace that has the addresses. */
  link: "public",
  /** The segment that the NIC and the namespace are plugged into. */
  bridge: "br-pub",
  /** Where public side and uplink share a NIC and a VLAN: a pair from the uplink's bridge to this one. */
  toUplink: { onUplink: "tozos", onBridge: "p-tozos" },
} as const;
