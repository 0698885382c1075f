import { HOST, type SysctlSpec, type Target } from "../model/kernel.ts";
import { BRIDGE_PORTS_MAX, type Limits } from "../model/limits.ts";
import type { Issue } from "../model/report.ts";

/** Descriptors that a namespace costs: its routing, generic and netfilter sockets. */
export const DESCRIPTORS_PER_NAMESPACE = 3;

/**
 * Kernel limits that many networks on one node run into (FINDINGS.md 3.6): neighbours of all namespaces together, and connections.
 * They are the machine's, so they are raised where this daemon may, and never lowered.
 */
const RAISED: Readonly<Record<string, number>> = {
  "net.ipv4.neigh.default.gc_thresh1": 4096,
  "net.ipv4.neigh.default.gc_thresh2": 8192,
  "net.ipv4.neigh.default.gc_thresh3": 16_384,
  "net.ipv6.neigh.default.gc_thresh1": 4096,
  "net.ipv6.neigh.default.gc_thresh2": 8192,
  "net.ipv6.neigh.default.gc_thresh3": 16_384,
  "net.netfilter.nf_conntrack_max": 131_072,
};

/** The limits of the machine that a node raises. */
export function raisedLimits(): readonly SysctlSpec[] {
  return Object.entries(RAISED).map(([key, value]) => ({
    kind: "sysctl",
    netns: HOST,
    key,
    value: String(value),
    atLeast: true,
  }));
}

/** What the kernel would refuse in the middle of a pass, refused by number before. */
export function findLimits(units: ReadonlyMap<string, Target>, limits: Limits): readonly Issue[] {
  return [...portIssues(units), ...descriptorIssues(units, limits)];
}

function portIssues(units: ReadonlyMap<string, Target>): readonly Issue[] {
  const ports = [...units].flatMap(([unit, target]) =>
    target.flatMap((object) =>
      object.kind === "link" && object.master !== undefined
        ? [{ unit, bridge: object.netns === HOST ? object.master : `${object.netns}/${object.master}` }]
        : [],
    ),
  );
  return [...Map.groupBy(ports, ({ bridge }) => bridge)]
    .filter(([, all]) => all.length > BRIDGE_PORTS_MAX)
    .map(([bridge, all]) => ({
      documents: [...new Set(all.map(({ unit }) => unit))],
      message: `bridge ${bridge} would have ${all.length} ports, and the kernel allows ${BRIDGE_PORTS_MAX}: divide its members among several LANs`,
    }));
}

function descriptorIssues(units: ReadonlyMap<string, Target>, { descriptors }: Limits): readonly Issue[] {
  const owners = [...units].filter(([, target]) => target.some(({ kind }) => kind === "netns"));
  const namespaces = owners.reduce((sum, [, target]) => sum + target.filter(({ kind }) => kind === "netns").length, 0);
  const needed = namespaces * DESCRIPTORS_PER_NAMESPACE;
  if (needed <= descriptors) return [];
  return [
    {
      documents: owners.map(([unit]) => unit),
      message: `${namespaces} namespaces need ${needed} open files, and this process may have ${descriptors}: raise its hard limit (ulimit -Hn), or remove some`,
    },
  ];
}
