import type { ExtraRoute } from "./settings.ts";
import type { SupervisorKind } from "./supervisor.ts";

/** Where a configuration on the kernel command line comes from. */
export type ConfigSource =
  | { readonly type: "inline"; readonly word: string; readonly base64: string }
  | { readonly type: "url"; readonly word: string; readonly url: string; readonly proof: ConfigProof }
  | { readonly type: "fw_cfg"; readonly word: string; readonly name: string };

/** How it is known that what a URL gives is what was meant: its digest, or the key (32 bytes, base64) that signed it. */
export type ConfigProof =
  | { readonly type: "sha256"; readonly digest: string }
  | { readonly type: "ed25519"; readonly key: string };

/** A word that cannot be honoured; the others hold. */
export interface RejectedWord {
  readonly word: string;
  readonly reason: string;
  /** The nearest word that could have been meant. */
  readonly hint?: string;
}

/** "netloom.mtu=70000 rejected: MTU 70000 is not from 1280 to 65535; did you mean netloom.mtu=65535?" */
export function rejectionText({ word, reason, hint }: RejectedWord): string {
  return `${word} rejected: ${reason}${hint === undefined ? "" : `; did you mean ${hint}?`}`;
}

/** What the `ip=` words say of an interface: what they do not name is off. */
export interface InterfaceFlags {
  readonly dhcp4: boolean;
  readonly dhcp6: boolean;
  readonly auto6: boolean;
  /** "192.168.50.9/24" */
  readonly addresses: readonly string[];
  readonly gateway?: string;
  readonly gateway6?: string;
  /** Addresses that are on the link although no prefix says so: the other end, or a router outside of the network. */
  readonly peers?: readonly string[];
  readonly mtu?: number;
  readonly mac?: string;
  /** DHCP client identifier as type and value, "01:52:54:…". */
  readonly clientId?: string;
  /** The words that say so. */
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
  readonly supervisor?: SupervisorKind;
  readonly zos: {
    readonly vlanPriv?: number | "none";
    readonly vlanPub?: number | "none";
    readonly pubMac?: "random" | "swap";
  };
  readonly configs: readonly ConfigSource[];
  /** The words that set a field, by the field's path: {"mtu": ["netloom.mtu=1400"]}. Of several that set one value the last holds. */
  readonly words: Readonly<Record<string, readonly string[]>>;
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
