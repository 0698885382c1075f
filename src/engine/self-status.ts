import type { Host } from "../host/host.ts";
import { describeError } from "../lib/errors.ts";
import type { ClockStatus, KeyStatus, StateStatus } from "../model/report.ts";
import type { Engine } from "./engine.ts";
import type { NodeState } from "./node-state.ts";

/** What a node says of itself beside its network: whether its dates hold, and what becomes of its keys at a reboot. */
export interface SelfStatus {
  readonly clock: ClockStatus;
  readonly state: StateStatus;
  readonly keys: readonly KeyStatus[];
  /** What could not be found out. */
  readonly problems: readonly string[];
}

export interface SelfStatusOptions {
  readonly host: Host;
  readonly engine: Engine;
  readonly state: NodeState;
  /** Where the daemon's root is: "in memory". */
  readonly kept: string;
  /** The machine is ours, and so is its clock. */
  readonly appliance: boolean;
}

export async function selfStatus({ appliance, ...options }: SelfStatusOptions): Promise<SelfStatus> {
  const { host, engine, state, kept } = options;
  const problems: string[] = [];
  const keys = await keyStatus(host, engine).catch((error: unknown) => {
    problems.push(`cannot see the WireGuard keys: ${describeError(error)}`);
    return [];
  });
  return { clock: { ...(await clockStatus(host, engine, state)), ours: appliance }, state: { kept }, keys, problems };
}

async function clockStatus(host: Host, engine: Engine, state: NodeState): Promise<Omit<ClockStatus, "ours">> {
  const { servers = [], waits = null } = engine.view.compiled?.clock ?? {};
  const { synchronised, since } = await host.clock();
  return {
    synchronised,
    source: servers,
    since: state.clock.since ?? since ?? null,
    waits: synchronised ? null : waits,
    wentBack: state.clockBehind(),
  };
}

async function keyStatus(host: Host, engine: Engine): Promise<readonly KeyStatus[]> {
  const resources = engine.documents.flatMap(({ document }) =>
    document.kind === "NetworkResource" && document.wireguard !== undefined ? [document.name] : [],
  );
  const known = resources.map(async (resource) => {
    const key = await host.keys.peek(resource);
    if (key === undefined) return [];
    return [{ resource, publicKey: key.publicKey, since: await host.keys.since(resource) }];
  });
  return (await Promise.all(known)).flat();
}
