import type { Addressing, ExtraRoute } from "./settings.ts";

/** Where a configuration on the kernel command line comes from. */
export type ConfigSource =
  | { readonly type: "inline"; readonly word: string; readonly base64: string }
  | { readonly type: "url"; readonly word: string; readonly url: string; readonly sha256: string }
  | { readonly type: "fw_cfg"; readonly word: string; readonly name: string };

/** A word that cannot be honoured; the others hold. */
export interface RejectedWord {
  readonly word: string;
  readonly reason: string;
  /** The nearest word that could have been meant. */
  readonly hint?: string;
}

/** What `ip=` says of an interface. Its fields are the ones of the words that were given, no others. */
export interface InterfaceFlags extends Partial<Pick<Addressing, "dhcp4" | "addresses" | "clientId">> {
  readonly dhcp6?: boolean;
  readonly auto6?: boolean;
  readonly gateway?: string;
  readonly gateway6?: string;
  readonly mtu?: number;
  readonly mac?: string;
  readonly dns?: readonly string[];
  readonly ntp?: readonly string[];
  /** The words that say so, for `status`. */
  readonly words: readonly string[];
}

/** The words of the kernel command line that Netloom obeys. A field that no word sets is left out, a list is empty. */
export interface BootFlags {
  /** By interface name, MAC, or "*" for every candidate. */
  readonly interfaces: Readonly<Record<string, InterfaceFlags>>;
  readonly vlans: readonly { readonly name: string; readonly parent: string; readonly id: number }[];
  readonly bonds: readonly {
    readonly name: string;
    readonly mode: string;
    readonly members: readonly string[];
    readonly options: Readonly<Record<string, string>>;
    readonly mtu?: number;
  }[];
  readonly bridges: readonly { readonly name: string; readonly members: readonly string[] }[];
  readonly renames: readonly { readonly name: string; readonly mac: string }[];
  readonly routes: readonly ExtraRoute[];
  readonly nameservers: readonly string[];
  readonly peerDns?: boolean;
  readonly hostname?: string;
  readonly ntp: readonly string[];
  readonly mtu?: number;
  /** NIC patterns of `netloom.nic=` and `netloom.ignore=`. */
  readonly nics: readonly string[];
  readonly ignored: readonly string[];
  readonly bootdev?: string;
  /** MAC of the NIC that the firmware booted by. */
  readonly bootif?: string;
  readonly probeTimeout?: number;
  readonly supervisor?: string;
  readonly zos: {
    readonly vlanPriv?: number | "none";
    readonly vlanPub?: number | "none";
    readonly pubMac?: "random" | "swap";
  };
  readonly configs: readonly ConfigSource[];
  /** The word that set a field, by the field's path: {"mtu": "netloom.mtu=1400"}. */
  readonly words: Readonly<Record<string, string>>;
}

/** An empty command line. */
export const NO_FLAGS: BootFlags = {
  interfaces: {},
  vlans: [],
  bonds: [],
  bridges: [],
  renames: [],
  routes: [],
  nameservers: [],
  ntp: [],
  nics: [],
  ignored: [],
  zos: {},
  configs: [],
  words: {},
};
