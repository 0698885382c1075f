import { OWNER } from "../model/kernel.ts";
import type { ActualOvs, OvsPort } from "../model/ovs.ts";
import { mapOf, setOf, uuidOf, type Ovsdb, type OvsdbRow } from "./ovsdb.ts";

/** Columns of ovs-vswitchd.conf.db(5) that matter to us. */
const COLUMNS = {
  Open_vSwitch: ["_uuid"],
  Bridge: ["_uuid", "name", "datapath_type", "ports", "external_ids"],
  Port: ["_uuid", "name", "interfaces", "tag", "trunks", "vlan_mode", "external_ids"],
  Interface: ["_uuid", "name", "type", "error"],
} as const;

interface BridgeRow {
  readonly uuid: string;
  readonly name: string;
  readonly datapathType: string;
  readonly ports: readonly string[];
  readonly mark: string | null;
}

export interface OvsPortRow extends OvsPort {
  readonly uuid: string;
  /** Of its interface; a bond has several, and the first stands for them. */
  readonly interface: string;
  readonly error: string | null;
  readonly mark: string | null;
}

/** What the database says of bridges, read in one transaction. */
export class OvsTables {
  /** The one row of the table Open_vSwitch; empty when nobody filled the database. */
  readonly root: string;
  readonly #bridges: readonly BridgeRow[];
  readonly #ports: ReadonlyMap<string, OvsPortRow>;

  private constructor(root: string, bridges: readonly BridgeRow[], ports: readonly OvsPortRow[]) {
    this.root = root;
    this.#bridges = bridges;
    this.#ports = new Map(ports.map((port) => [port.name, port]));
  }

  static async read(db: Ovsdb): Promise<OvsTables> {
    const results = await db.transact(
      Object.entries(COLUMNS).map(([table, columns]) => ({ op: "select", table, where: [], columns })),
    );
    const [roots = [], bridges = [], ports = [], interfaces = []] = results.map(({ rows }) => rows);
    const byUuid = new Map(interfaces.map((row) => [uuidOf(row["_uuid"]), row]));
    return new OvsTables(
      uuidOf(roots[0]?.["_uuid"]),
      bridges.map((row) => ({
        uuid: uuidOf(row["_uuid"]),
        name: String(row["name"]),
        datapathType: plain(row["datapath_type"]),
        ports: setOf(row["ports"]).map(uuidOf),
        mark: markOf(row),
      })),
      ports.map((row) => portRow(row, byUuid)),
    );
  }

  bridge(name: string): BridgeRow | undefined {
    return this.#bridges.find((row) => row.name === name);
  }

  port(name: string): OvsPortRow | undefined {
    return this.#ports.get(name);
  }

  /** All bridges; those with `mark` are ours. */
  bridges(mark: string): readonly ActualOvs[] {
    const ports = [...this.#ports.values()];
    return this.#bridges.map((bridge) => ({
      name: bridge.name,
      datapathType: bridge.datapathType,
      mark: bridge.mark,
      owned: bridge.mark === mark,
      ports: ports
        .filter(({ uuid }) => bridge.ports.includes(uuid))
        .map(({ uuid: _uuid, interface: _interface, mark: owner, ...port }) => ({ ...port, owned: owner === mark })),
    }));
  }
}

function portRow(row: OvsdbRow, interfaces: ReadonlyMap<string, OvsdbRow>): OvsPortRow {
  const [first = ""] = setOf(row["interfaces"]).map(uuidOf);
  const { type, error } = interfaces.get(first) ?? {};
  const [tag, mode, why] = [row["tag"], row["vlan_mode"], error].map((value) => setOf(value)[0]);
  return {
    uuid: uuidOf(row["_uuid"]),
    interface: first,
    name: String(row["name"]),
    type: plain(type),
    tag: tag === undefined ? null : Number(tag),
    trunks: setOf(row["trunks"]).map(Number),
    vlanMode: textOf(mode) ?? null,
    error: textOf(why) ?? null,
    mark: markOf(row),
  };
}

/** The columns `type` and `datapath_type`, which may be empty for `system`. */
function plain(value: unknown): string {
  const text = textOf(value) ?? "";
  return text === "" ? "system" : text;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function markOf(row: OvsdbRow): string | null {
  return mapOf(row["external_ids"]).get(OWNER.ovsKey) ?? null;
}
