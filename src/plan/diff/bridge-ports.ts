import type { ActualLink } from "../../model/actual.ts";
import type { LinkSpec } from "../../model/kernel.ts";
import { DEFAULT_PVID, PORT_DEFAULTS, type PortSpec, type PortVlan } from "../../model/link-options.ts";
import type { Step } from "../../model/step.ts";
import { KEYS } from "../object-key.ts";
import type { DiffContext } from "./context.ts";

/**
 * Port flags and VLANs of a link that is plugged into a bridge, or is one. `seen` is what stays of it: nothing when it
 * is made or plugged in anew, since the kernel then gives it its defaults.
 */
export function bridgePortSteps(spec: LinkSpec, seen: ActualLink | undefined, context: DiffContext): readonly Step[] {
  const bridge = bridgeOf(spec, context);
  if (bridge === undefined) return [];
  const fresh = seen === undefined || (spec.type !== "bridge" && !keepsMaster(spec, seen, context));
  return [
    ...(spec.type === "bridge" ? [] : flagSteps(spec, fresh ? PORT_DEFAULTS : seen.port)),
    ...vlanSteps(spec, bridge, fresh ? undefined : seen.vlans),
  ];
}

/** True when the link stays the port that it is. */
export function keepsMaster(spec: LinkSpec, seen: ActualLink, context: DiffContext): boolean {
  return spec.master === seen.master && (spec.master === undefined || !context.linkVanishes(seen.netns, spec.master));
}

function bridgeOf(spec: LinkSpec, context: DiffContext): LinkSpec | undefined {
  if (spec.type === "bridge") return spec;
  if (spec.master === undefined) return undefined;
  const master = context.wantedLinks.get(KEYS.link({ netns: spec.netns, name: spec.master }));
  return master?.type === "bridge" ? master : undefined;
}

function flagSteps(spec: LinkSpec, seen: PortSpec | null): readonly Step[] {
  if (seen === null) return [];
  const wanted: Required<PortSpec> = { ...PORT_DEFAULTS, ...spec.port };
  const had: Required<PortSpec> = { ...PORT_DEFAULTS, ...seen };
  const port: PortSpec = Object.fromEntries(
    Object.entries(wanted).filter(([flag, value]) => had[flag as keyof PortSpec] !== value),
  );
  const { netns, name } = spec;
  return Object.keys(port).length === 0 ? [] : [{ op: "link.port", args: { netns, name, port } }];
}

/** Undefined `seen` is a port or bridge that is new; null is one whose VLANs were not observed. */
function vlanSteps(spec: LinkSpec, bridge: LinkSpec, seen: readonly PortVlan[] | null | undefined): readonly Step[] {
  const given = defaultVlans(bridge);
  const wanted = vlansWanted(spec, bridge);
  if (wanted === undefined || seen === null) return [];
  const { netns, name } = spec;
  const place = { netns, name, ...(spec.type === "bridge" ? { self: true as const } : {}) };
  const had = new Map((seen ?? given).map((vlan) => [vlan.id, vlan]));
  const ids = new Set(wanted.map(({ id }) => id));
  return [
    ...[...had.keys()].filter((id) => !ids.has(id)).map((id): Step => ({ op: "vlan.del", args: { ...place, id } })),
    ...wanted
      .filter((vlan) => !sameVlan(vlan, had.get(vlan.id)))
      .map((vlan): Step => ({ op: "vlan.add", args: { ...place, vlan } })),
  ];
}

/** The VLANs that a port or bridge shall have; undefined when nobody cares. */
function vlansWanted(spec: LinkSpec, bridge: LinkSpec): readonly PortVlan[] | undefined {
  // Without filtering the kernel keeps VLANs of ports and follows none.
  const filters = bridge.type === "bridge" && bridge.options?.vlanFiltering === true;
  return spec.vlans ?? (filters ? defaultVlans(bridge) : undefined);
}

/** True when the wanted link is to leave a VLAN that it may be in. */
export function leavesVlan(spec: LinkSpec, id: number, context: DiffContext): boolean {
  const bridge = bridgeOf(spec, context);
  const wanted = bridge === undefined ? undefined : vlansWanted(spec, bridge);
  return wanted?.every((vlan) => vlan.id !== id) === true;
}

function sameVlan(a: PortVlan, b: PortVlan | undefined): boolean {
  return b !== undefined && a.pvid === b.pvid && a.untagged === b.untagged;
}

/** What a port of the bridge, and the bridge itself, is a member of from the start (net/bridge/br_vlan.c, nbp_vlan_init). */
export function defaultVlans(bridge: LinkSpec): readonly PortVlan[] {
  const id = bridge.type === "bridge" ? (bridge.options?.defaultPvid ?? DEFAULT_PVID) : 0;
  return id === 0 ? [] : [{ id, pvid: true, untagged: true }];
}
