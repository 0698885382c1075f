import { HOST, type KernelObject, type SysctlSpec, type Target } from "../model/kernel.ts";
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
  // Counted first: this runs at every pass, and next to never finds one.
  const ports = new Map<string, number>();
  for (const target of units.values())
    for (const object of target) {
      const bridge = bridgeOf(object);
      if (bridge !== undefined) ports.set(bridge, (ports.get(bridge) ?? 0) + 1);
    }
  return [...ports]
    .filter(([, count]) => count > BRIDGE_PORTS_MAX)
    .map(([bridge, count]) => ({
      documents: [...units].flatMap(([unit, target]) =>
        target.some((object) => bridgeOf(object) === bridge) ? [unit] : [],
      ),
      message: `bridge ${bridge} would have ${count} ports, and the kernel allows ${BRIDGE_PORTS_MAX}: divide its members among several LANs`,
    }));
}

/** The bridge that a link becomes a port of. */
function bridgeOf(object: KernelObject): string | undefined {
  if (object.kind !== "link" || object.master === undefined) return undefined;
  return object.netns === HOST ? object.master : `${object.netns}/${object.master}`;
}

function descriptorIssues(units: ReadonlyMap<string, Target>, { descriptors }: Limits): readonly Issue[] {
  let namespaces = 0;
  for (const target of units.values()) for (const { kind } of target) if (kind === "netns") namespaces += 1;
  const needed = namespaces * DESCRIPTORS_PER_NAMESPACE;
  if (needed <= descriptors) return [];
  return [
    {
      documents: [...units].flatMap(([unit, target]) => (target.some(({ kind }) => kind === "netns") ? [unit] : [])),
      message: `${namespaces} namespaces need ${needed} open files, and this process may have ${descriptors}: raise its hard limit (ulimit -Hn), or remove some`,
    },
  ];
}
