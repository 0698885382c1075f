import type { Host, Leases, Scope } from "../host/host.ts";
import { describeError } from "../lib/errors.ts";
import { documentId, type Document, type NetworkResourceDocument } from "../model/document.ts";
import { uptime } from "../lib/uptime.ts";
import type { BootFlags } from "../model/boot-flags.ts";
import type { Facts, NicFact, ProbeFact, WireguardKeyFact } from "../model/facts.ts";
import type { NodeId } from "./node-id.ts";
import type { NodeSettings } from "../model/settings.ts";
import { settings as settingsOf } from "../plan/settings.ts";
import { askedFrom, ofProbe, type ChoiceMemory } from "../plan/uplink.ts";
import type { Answers } from "./probes.ts";
import type { StepFailure } from "../model/report.ts";
import type { NodeState } from "./node-state.ts";

/** Where the node keeps things, and what it is told to keep. */
export interface Places {
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly appliance: boolean;
  readonly flags: BootFlags;
  readonly nodeId?: Pick<NodeId, "of">;
}

/** What the node remembers of itself. */
export type Remembered = NodeState["remembered"] & {
  readonly answers: (nic: string) => Answers | undefined;
  /** What the last pass went by; left out before the first one. */
  readonly settings: NodeSettings | undefined;
};

export interface Gathered {
  readonly facts: Facts;
  /** Keys that cannot be had; their resources are compiled without. */
  readonly failures: readonly StepFailure[];
}

/** Everything beside the documents that a compiler may know. One key that cannot be had does not hide the rest. */
export async function gatherFacts(
  host: Host,
  { runtimeDir, stateDir, appliance, flags, nodeId: ids }: Places,
  remembered: Remembered,
  documents: readonly Document[],
  keyOf: (resource: NetworkResourceDocument) => Promise<WireguardKeyFact>,
  scope: Scope,
): Promise<Gathered> {
  const { memory } = remembered;
  const keyed = documents.filter(
    (document): document is NetworkResourceDocument =>
      document.kind === "NetworkResource" && document.wireguard !== undefined,
  );
  const node = documents.find((document) => document.kind === "Node") ?? null;
  const { settings = settingsOf(node, flags) } = remembered;
  const [keys, nics, leases, clock] = await Promise.all([
    Promise.allSettled(keyed.map(keyOf)),
    host.nics(scope),
    host.leases(),
    host.clock(),
  ]);
  const routers = await heardFrom(host, nics, memory, settings, scope);
  const known = keyed.flatMap(({ name }, index): [string, WireguardKeyFact][] => {
    const key = keys[index];
    return key?.status === "fulfilled" ? [[name, key.value]] : [];
  });
  const failures = keyed.flatMap((document, index) => {
    const key = keys[index];
    return key?.status === "rejected" ? [{ step: documentId(document), message: describeError(key.reason) }] : [];
  });
  const wireguardKeys = Object.fromEntries(known);
  const nodeId = await ids?.of(nics);
  return {
    facts: {
      now: uptime(),
      nics: nics.map((nic) =>
        withProbe(nic, memory, leases, { ...routers.get(nic.name), ...remembered.answers(nic.name) }),
      ),
      flags,
      uplink: memory.uplink,
      ...(memory.uplinkLost === null ? {} : { uplinkLost: memory.uplinkLost }),
      ...(remembered.lastUplink === null ? {} : { lastUplink: remembered.lastUplink }),
      ...(nodeId === undefined ? {} : { nodeId }),
      wireguardKeys,
      runtimeDir,
      stateDir,
      clock: { ...remembered.clock, ...clock },
      appliance,
    },
    failures,
  };
}

/** What routers advertise on the networks that are asked, by NIC. */
async function heardFrom(
  host: Host,
  nics: readonly NicFact[],
  memory: ChoiceMemory,
  settings: NodeSettings,
  scope: Scope,
): Promise<ReadonlyMap<string, Pick<ProbeFact, "ra">>> {
  const asked = nics.filter(({ name }) => memory.since[name] !== undefined);
  const heard = await Promise.all(
    asked.map(async (nic) => {
      const { netns, dev } = askedFrom(settings, nic, memory);
      const ra = await host.routerFacts(netns, dev, scope);
      return [nic.name, ra === undefined ? {} : { ra }] as const;
    }),
  );
  return new Map(heard);
}

/** A NIC with what is known of its network, when it is asked; what was known before is as good as forgotten. */
function withProbe(nic: NicFact, memory: ChoiceMemory, { v4, v6 }: Leases, heard: Partial<ProbeFact>): NicFact {
  const since = memory.since[nic.name];
  if (since === undefined) return nic;
  const lease4 = v4.find((lease) => lease.nic === nic.name);
  const lease6 = v6.find((lease) => lease.nic === nic.name);
  const leases = { ...(lease4 === undefined ? {} : { lease4 }), ...(lease6 === undefined ? {} : { lease6 }) };
  return { ...nic, probe: { since, ...leases, ...heard, ...ofProbe(nic.name, memory) } };
}
