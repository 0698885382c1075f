/** What the monitor and the look at nftables give as JSON. */

/** What a monitor can be told to hear. */
export type MonitorGroup = "link" | "address" | "route" | "rule" | "neighbour" | "nsid" | "router" | "nft";

/** All events up to a pause of 10 ms, at most 50 ms after the first. */
export interface KernelDigest {
  /** Events were lost: everything may have changed. */
  readonly overrun: boolean;
  /** Events that answered our own requests; they mark nothing. Links and neighbours are never among them. */
  readonly own: number;
  readonly dirty: readonly {
    /** Namespace id; null is the monitor's own. */
    readonly nsid: number | null;
    readonly kinds: readonly MonitorGroup[];
    /** Names of links concerned. */
    readonly names: readonly string[];
    /** Who did it, as far as the kernel says: of addresses, routes, rules and nftables. Of nftables it is the pid in the first pid namespace. */
    readonly actors: readonly {
      readonly pid: number;
      /** Null when it had ended before it could be asked. */
      readonly program: string | null;
      readonly kind: MonitorGroup;
      readonly name?: string;
    }[];
    /** What router advertisements brought that the kernel does not keep, in their order. */
    readonly options?: readonly RouterOption[];
  }[];
}

/** Name servers or a search list of a router advertisement (RFC 8106). */
export interface RouterOption {
  /** Index of the link that heard it. */
  readonly index: number;
  readonly type: "dns" | "search";
  readonly values: readonly string[];
  /** Seconds from now; 0 takes them back, 4294967295 is for ever. */
  readonly lifetime: number;
}

/** Base chains of nftables, ours and others'. */
export interface NftBaseChains {
  readonly generation: number;
  readonly chains: readonly {
    readonly family: "inet" | "ip" | "ip6" | "arp" | "bridge" | "netdev" | "other";
    readonly table: string;
    readonly name: string;
    /** `filter`, `nat` or `route`. */
    readonly type: string;
    /** `forward`, `input`... */
    readonly hook: string;
    /** Lower ones come first. */
    readonly priority: number;
    readonly policy: "accept" | "drop";
  }[];
}
