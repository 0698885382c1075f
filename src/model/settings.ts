import type { MacAddressing } from "./document.ts";

/** A value, and what set it: "Node n1", "flag ip=dhcp", "lease", "default". */
export interface Setting<T> {
  readonly value: T;
  readonly source: string;
}

/** How a NIC gets its addresses. */
export interface Addressing {
  readonly dhcp4: boolean;
  /** `auto`: when a router advertisement says so (flags M and O, RFC 4861 section 4.2). */
  readonly dhcp6: boolean | "auto";
  /** Router advertisements are heeded: addresses, default route, name servers (RFC 4862, RFC 8106). */
  readonly ra: boolean;
  /** "192.168.50.9/24", "2001:db8::9/64". */
  readonly addresses: readonly string[];
  /** Default routers, one of a family at most. */
  readonly gateways: readonly string[];
  /** DHCP client identifier as type and value, "01:52:54:…"; by default made from the NIC's MAC (RFC 2132 section 9.14). */
  readonly clientId?: string;
  /** Addresses that are on the link although no prefix says so: the other end, or a router outside of the network. */
  readonly peers?: readonly string[];
  /** Of the NIC, before `NodeSettings.mtu`. */
  readonly mtu?: number;
  /** MAC that the NIC is given instead of its own. */
  readonly mac?: string;
}

/** A route that a flag asks for. Without `via` the network is on the link. */
export interface ExtraRoute {
  readonly to: string;
  readonly via?: string;
  /** A NIC; the uplink when left out. */
  readonly dev?: string;
}

/** What holds for the node, field by field: the `Node` document before flags, these before the default. */
export interface NodeSettings {
  readonly hostname: Setting<string | null>;
  /** False: this node has no uplink. */
  readonly wantsUplink: Setting<boolean>;
  /** Name of the uplink's bridge. */
  readonly bridge: Setting<string>;
  /** NIC patterns (`model/nic-pattern.ts`) of candidates; null is every physical NIC that nobody else uses. */
  readonly nics: Setting<readonly string[] | null>;
  /** Never candidates. The lists of document and flags are joined. */
  readonly ignore: Setting<readonly string[]>;
  /** Better than others that are as complete. */
  readonly prefer: Setting<readonly string[]>;
  /** VLAN of the uplink on its NIC; null is untagged. */
  readonly vlan: Setting<number | null>;
  readonly mtu: Setting<number | null>;
  /** A prefix is asked for by DHCPv6. */
  readonly prefix: Setting<boolean>;
  /** Of every candidate that `addressingOf` has nothing else for. */
  readonly addressing: Setting<Addressing>;
  /** By NIC pattern; the first that matches holds. */
  readonly addressingOf: readonly { readonly nic: string; readonly addressing: Setting<Addressing> }[];
  readonly routes: Setting<readonly ExtraRoute[]>;
  /** Name servers before those of the lease. */
  readonly dns: Setting<readonly string[]>;
  /** False: name servers of leases are not used. */
  readonly leaseDns: Setting<boolean>;
  /** Time servers beside those of the lease. */
  readonly ntp: Setting<readonly string[]>;
  readonly ntpServe: Setting<readonly string[]>;
  /** Where the node has to come by TCP or ICMP to count as online: "tcp://192.0.2.1:443", "icmp://192.0.2.1". None by default. */
  readonly checks: Setting<readonly string[]>;
  /** Seconds until a choice is made with what there is. */
  readonly probeTimeout: Setting<number>;
  readonly publicVlan: Setting<number | null>;
  /** MAC of the public side: made from the node's id, or exchanged with that of the uplink's NIC (`pub:mac=swap`). */
  readonly publicMac: Setting<MacAddressing>;
}
