/**
 * Bridges of Open vSwitch. Members are named as the columns of the tables Bridge, Port and Interface of
 * ovs-vswitchd.conf.db(5), in camel case.
 */

/** `system`: a link that is there; `internal`: a link that Open vSwitch makes. */
type OvsPortType = "system" | "internal";

/** How a port treats VLANs (column `vlan_mode` of Port). */
type OvsVlanMode = "access" | "trunk" | "native-tagged" | "native-untagged";

export interface OvsPortSpec {
  readonly name: string;
  /** `system` when left out. */
  readonly type?: OvsPortType;
  /** The VLAN of frames without a tag, 1 to 4094. */
  readonly tag?: number;
  /** VLANs that pass with their tag; all when left out. */
  readonly trunks?: readonly number[];
  /** Left out: `access` with a tag, else `trunk`. */
  readonly vlanMode?: OvsVlanMode;
}

/**
 * A bridge of Open vSwitch in the node's namespace. Its local port, an internal one of the bridge's own name, is always there; it is
 * among `ports` when it has a VLAN. The links that it makes are switched on.
 */
export interface OvsSpec {
  readonly kind: "ovs";
  readonly name: string;
  /** `system` (the kernel's datapath) when left out; `netdev` forwards in ovs-vswitchd. */
  readonly datapathType?: "system" | "netdev";
  readonly ports: readonly OvsPortSpec[];
}

export interface ActualOvsPort {
  readonly name: string;
  /** Column `type` of its interface; "system" where that is empty. */
  readonly type: string;
  readonly tag: number | null;
  readonly trunks: readonly number[];
  readonly vlanMode: string | null;
  /** Why ovs-vswitchd cannot use it, in its own words; null when it can. */
  readonly error: string | null;
  readonly owned: boolean;
}

/** A bridge of Open vSwitch, whoever made it. */
export interface ActualOvs {
  readonly name: string;
  readonly datapathType: string;
  readonly ports: readonly ActualOvsPort[];
  /** `external_ids:netloom`: which daemon of ours made it; null when none did. */
  readonly mark: string | null;
  readonly owned: boolean;
}

/** A port with what its specification leaves out. */
export type OvsPort = Omit<ActualOvsPort, "error" | "owned">;

/** All ports that a bridge shall have, its local one among them. */
export function ovsPorts({ name, ports }: OvsSpec): readonly OvsPort[] {
  const local: OvsPortSpec = ports.find((port) => port.name === name) ?? { name };
  return [{ ...local, type: "internal" as const }, ...ports.filter((port) => port.name !== name)].map(
    ({ name: port, type = "system", tag = null, trunks = [], vlanMode = null }) => ({
      name: port,
      type,
      tag,
      trunks,
      vlanMode,
    }),
  );
}

/** True when the port is as it shall be; VLANs in whatever order. */
export function sameOvsPort(a: OvsPort, b: OvsPort): boolean {
  return a.type === b.type && a.tag === b.tag && a.vlanMode === b.vlanMode && vlans(a) === vlans(b);
}

function vlans({ trunks }: OvsPort): string {
  return trunks.toSorted((a, b) => a - b).join();
}
