import { stat } from "node:fs/promises";
import { errorCode, NetloomError } from "../lib/errors.ts";
import { OWNER, type Target } from "../model/kernel.ts";
import { sameOvsPort, type ActualOvs, type OvsPort } from "../model/ovs.ts";
import type { StepArguments } from "../model/step.ts";
import { OWN_NETNS } from "./exec.ts";
import { OvsTables, type OvsPortRow } from "./ovs-tables.ts";
import { Ovsdb, type OvsdbOperation } from "./ovsdb.ts";

/** How long ovs-vswitchd may take to make what the database says; as long as a structure may (DESIGN: 5 s). */
const SETTLE_MS = 5000;

/** Nobody listens at the socket: there is no Open vSwitch, or it is stopped. */
const ABSENT = new Set(["ENOENT", "ECONNREFUSED", "ENOTDIR"]);

/** Open vSwitch of the node. Each look and each step has a connection of its own: they are rare. */
export class Ovs {
  readonly #path: string;
  readonly #mark: string;
  #haveOurs = false;

  private constructor(path: string, mark: string) {
    this.#path = path;
    this.#mark = mark;
  }

  /** @param netnsMark the mark of this daemon's namespaces */
  static async open(path: string, netnsMark: number): Promise<Ovs> {
    return new Ovs(path, await nodeMark(netnsMark));
  }

  /**
   * All bridges, when the target has one, there was one of ours, or `thorough`: a crash or a restart of the machine may have left one.
   * None where Open vSwitch cannot be asked.
   */
  async observe(target: Target, thorough: boolean): Promise<readonly ActualOvs[]> {
    const asked = target.some(({ kind }) => kind === "ovs");
    if (!asked && !this.#haveOurs && !thorough) return [];
    try {
      using db = await Ovsdb.open(this.#path);
      const bridges = (await OvsTables.read(db)).bridges(this.#mark);
      this.#haveOurs = bridges.some(({ owned }) => owned);
      return bridges;
    } catch {
      // The rest of the node is looked at all the same; a step that needs it says what is wrong.
      return [];
    }
  }

  /** Makes or changes a bridge in one transaction, and waits until ovs-vswitchd has done so. */
  async set(step: StepArguments["ovs.set"]): Promise<void> {
    // Also when it is not made in time.
    this.#haveOurs = true;
    await this.#change("set", step.name, (tables) => setOperations(tables, step, this.#mark), step.ports);
  }

  async unport({ name, ports }: StepArguments["ovs.unport"]): Promise<void> {
    await this.#change("remove ports of", name, (tables) => {
      const bridge = tables.bridge(name);
      const rows = ports.flatMap((port) => tables.port(port) ?? []).filter((row) => bridge?.ports.includes(row.uuid));
      const ours = rows.filter(({ mark }) => mark === this.#mark);
      if (bridge === undefined || ours.length === 0) return [];
      return [
        mutate(
          "Bridge",
          bridge.uuid,
          "ports",
          "delete",
          ours.map(({ uuid }) => ["uuid", uuid]),
        ),
      ];
    });
  }

  async remove({ name }: StepArguments["ovs.del"]): Promise<void> {
    await this.#change("remove", name, (tables) => {
      const bridge = tables.bridge(name);
      if (bridge?.mark !== this.#mark) return [];
      // Ports and interfaces go with what refers to them.
      return [mutate("Open_vSwitch", tables.root, "bridges", "delete", [["uuid", bridge.uuid]])];
    });
  }

  async #change(
    op: string,
    bridge: string,
    plan: (tables: OvsTables) => readonly OvsdbOperation[],
    ports: readonly OvsPort[] = [],
  ): Promise<void> {
    const target = `Open vSwitch bridge ${bridge}`;
    const fail = (code: string, why: string, hint?: string, cause?: unknown): NetloomError =>
      new NetloomError({ code, op, target, why, ...(hint === undefined ? {} : { hint }), cause });
    using db = await Ovsdb.open(this.#path).catch((cause: unknown) => {
      const absent = ABSENT.has(errorCode(cause) ?? "");
      const why = absent ? `no ovsdb-server listens at ${this.#path}` : String(cause);
      throw fail("unreachable", why, "install Open vSwitch (Debian: openvswitch-switch) and start it", cause);
    });
    const tables = await OvsTables.read(db);
    if (tables.root === "")
      throw fail("unreachable", "its database is empty", "start Open vSwitch by its own service, which fills it");
    const operations = plan(tables);
    if (operations.length === 0 && ports.length === 0) return;
    const comment = { op: "comment", comment: `netloom: ${op} bridge ${bridge}` };
    const results = await db.transact([
      ...operations,
      // ovs-vswitchd says by `cur_cfg` up to where it is (ovs-vswitchd.conf.db(5)).
      { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["next_cfg", "+=", 1]] },
      { op: "select", table: "Open_vSwitch", where: [], columns: ["next_cfg"] },
      comment,
    ]);
    const wanted = Number(results[operations.length + 1]?.rows?.[0]?.["next_cfg"]);
    if (!(await settled(db, wanted)))
      throw fail(
        "timeout",
        `ovs-vswitchd did not take it within ${SETTLE_MS / 1000} s`,
        "see that ovs-vswitchd runs (`ovs-appctl version`) and what its log says",
      );
    const after = await OvsTables.read(db);
    const errors = ports.flatMap(({ name }) => after.port(name)?.error ?? []);
    if (errors.length > 0) throw fail("failed", errors.join("; "));
  }
}

/** True when ovs-vswitchd has made what the database said at `wanted`; each answer tells of one advance. */
async function settled(db: Ovsdb, wanted: number): Promise<boolean> {
  const end = performance.now() + SETTLE_MS;
  const select = { op: "select", table: "Open_vSwitch", where: [], columns: ["cur_cfg"] };
  for (let [now] = await db.transact([select]); ;) {
    const current = Number(now?.rows?.[0]?.["cur_cfg"]);
    if (current >= wanted) return true;
    const timeout = Math.ceil(end - performance.now());
    if (timeout <= 0) return false;
    const moved = {
      op: "wait",
      table: "Open_vSwitch",
      where: [],
      columns: ["cur_cfg"],
      until: "!=",
      rows: [{ cur_cfg: current }],
      timeout,
    };
    try {
      [, now] = await db.transact([moved, select], timeout);
    } catch (error) {
      if (errorCode(error) === "timeout") return false;
      throw error;
    }
  }
}

/** The operations that make a bridge what it shall be, without a word about ports that stay. */
function setOperations(
  tables: OvsTables,
  { name, datapathType = "system", ports }: StepArguments["ovs.set"],
  mark: string,
): readonly OvsdbOperation[] {
  const refuse = (why: string): NetloomError =>
    new NetloomError({
      code: "refused",
      op: "set",
      target: `Open vSwitch bridge ${name}`,
      why: `${why} is not Netloom's`,
    });
  const bridge = tables.bridge(name);
  if (bridge !== undefined && bridge.mark !== mark) throw refuse("one of that name");
  const ids = ["map", [[OWNER.ovsKey, mark]]];
  const made: string[] = [];
  const operations = ports.flatMap((port, at): readonly OvsdbOperation[] => {
    const row = tables.port(port.name);
    if (row === undefined) {
      made.push(`p${at}`);
      return [
        {
          op: "insert",
          table: "Interface",
          "uuid-name": `i${at}`,
          row: { name: port.name, ...interfaceColumns(port) },
        },
        {
          op: "insert",
          table: "Port",
          "uuid-name": `p${at}`,
          row: { name: port.name, interfaces: ["named-uuid", `i${at}`], external_ids: ids, ...portColumns(port) },
        },
      ];
    }
    if (row.mark !== mark) throw refuse(`port ${port.name}`);
    return changed(port, row);
  });
  const named = made.map((uuid) => ["named-uuid", uuid]);
  if (bridge === undefined)
    return [
      ...operations,
      {
        op: "insert",
        table: "Bridge",
        "uuid-name": "b",
        row: { name, datapath_type: datapathType, ports: ["set", named], external_ids: ids },
      },
      mutate("Open_vSwitch", tables.root, "bridges", "insert", [["named-uuid", "b"]]),
    ];
  return [
    ...operations,
    ...(named.length === 0 ? [] : [mutate("Bridge", bridge.uuid, "ports", "insert", named)]),
    ...(bridge.datapathType === datapathType ? [] : [update("Bridge", bridge.uuid, { datapath_type: datapathType })]),
  ];
}

function changed(port: OvsPort, row: OvsPortRow): readonly OvsdbOperation[] {
  if (sameOvsPort(port, row)) return [];
  return [
    update("Port", row.uuid, portColumns(port)),
    ...(port.type === row.type ? [] : [update("Interface", row.interface, interfaceColumns(port))]),
  ];
}

function portColumns({ tag, trunks, vlanMode }: OvsPort): Readonly<Record<string, unknown>> {
  return {
    tag: ["set", tag === null ? [] : [tag]],
    trunks: ["set", trunks],
    vlan_mode: ["set", vlanMode === null ? [] : [vlanMode]],
  };
}

function interfaceColumns({ type }: OvsPort): Readonly<Record<string, unknown>> {
  return { type: type === "system" ? "" : type };
}

function update(table: string, uuid: string, row: Readonly<Record<string, unknown>>): OvsdbOperation {
  return { op: "update", table, where: [["_uuid", "==", ["uuid", uuid]]], row };
}

function mutate(
  table: string,
  uuid: string,
  column: string,
  how: "insert" | "delete",
  members: unknown,
): OvsdbOperation {
  return {
    op: "mutate",
    table,
    where: [["_uuid", "==", ["uuid", uuid]]],
    mutations: [[column, how, ["set", members]]],
  };
}

/**
 * The mark of this daemon's bridges. The database outlives a restart of the machine, and the number of its first network namespace need
 * not: a daemon that works there is called `node`.
 */
async function nodeMark(netnsMark: number): Promise<string> {
  const first = await stat("/proc/1/ns/net").catch(() => undefined);
  return first?.ino === (await stat(OWN_NETNS)).ino ? "node" : netnsMark.toString(16);
}
