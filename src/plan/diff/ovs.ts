import { HOST } from "../../model/kernel.ts";
import { ovsPorts, sameOvsPort, type ActualOvs, type OvsPort, type OvsSpec } from "../../model/ovs.ts";
import type { Step } from "../../model/step.ts";
import { KEYS } from "../object-key.ts";
import type { DiffContext } from "./context.ts";
import { foreignLinkText } from "./describe-foreign.ts";
import type { KindDiffer } from "./kind-differ.ts";

/**
 * A bridge is changed port by port: one that stays as it is carries on. What others plug into it is theirs.
 * A port that ovs-vswitchd cannot use is set again, so that the reason is told as long as it holds.
 */
export const ovsDiffer: KindDiffer<"ovs"> = {
  kind: "ovs",
  owned: (seen) => seen.owned,
  vanishes: () => false,
  foreign: (spec, context, seen) =>
    seen === undefined || seen.owned ? takenName(spec.name, spec.name, context) : foreignBridgeText(seen),
  foreignParts: (spec, context) => ovsPorts(spec).flatMap(({ name }) => takenPort(spec.name, name, context) ?? []),
  add: (spec, context) => changeBridge(spec, undefined, context),
  change: changeBridge,
  remove: ({ name, ports }) => [{ op: "ovs.del", args: { name, ports: ports.map((port) => port.name) } }],
};

function changeBridge(spec: OvsSpec, seen: ActualOvs | undefined, context: DiffContext): readonly Step[] {
  const { name, datapathType } = spec;
  const wanted = ovsPorts(spec).filter((port) => takenPort(name, port.name, context) === undefined);
  const had = new Map(seen?.ports.map((port) => [port.name, port]));
  const names = new Set(ovsPorts(spec).map((port) => port.name));
  const ours = seen?.ports.filter((port) => port.owned) ?? [];
  const gone = ours.filter((port) => !names.has(port.name) || losesLink(port, context)).map((port) => port.name);
  const ports = wanted.filter((port) => {
    const there = had.get(port.name);
    if (there === undefined || there.error !== null || !sameOvsPort(port, there)) return true;
    return lacksLink(there, context) || losesLink(there, context);
  });
  const set = ports.length > 0 || datapathDiffers(spec, seen);
  return [
    ...(gone.length === 0 ? [] : [{ op: "ovs.unport", args: { name, ports: gone } } as const]),
    ...(set
      ? [{ op: "ovs.set", args: { name, ...(datapathType === undefined ? {} : { datapathType }), ports } } as const]
      : []),
    ...wanted.flatMap((port) => switchOn(port, context)),
  ];
}

/** True when ovs-vswitchd has not made the link of a port, or the link that it took is gone: it did not hear of the wish yet. */
function lacksLink({ name }: OvsPort, context: DiffContext): boolean {
  return !context.links.has(KEYS.link({ netns: HOST, name }));
}

/** A link that is made anew under a port is plugged in anew: ovs-vswitchd itself would go on with the one that is gone. */
function losesLink(port: OvsPort, context: DiffContext): boolean {
  return port.type === "system" && (lacksLink(port, context) || context.linkVanishes(HOST, port.name));
}

/** Open vSwitch leaves the links that it makes switched off. One that is wanted as a link too is looked after there. */
function switchOn({ name, type }: OvsPort, context: DiffContext): readonly Step[] {
  const key = KEYS.link({ netns: HOST, name });
  if (type !== "internal" || context.wantedLinks.has(key)) return [];
  const link = context.links.get(key);
  if (link?.up === true && !context.linkVanishes(HOST, name)) return [];
  return [{ op: "link.set", args: { netns: HOST, name, up: true } }];
}

function datapathDiffers(
  { datapathType = "system" }: Pick<OvsSpec, "datapathType">,
  seen: ActualOvs | undefined,
): boolean {
  return datapathType !== seen?.datapathType;
}

/** Links that the wanted bridges make, by key. */
export function linksOfOvs(wanted: readonly OvsSpec[] = []): ReadonlySet<string> {
  return new Set(wanted.flatMap((spec) => internalKeys(ovsPorts(spec))));
}

/** Links that bridges make, whoever's they are, by key. */
export function observedOvsLinks(seen: readonly ActualOvs[]): readonly string[] {
  return seen.flatMap(({ ports }) => internalKeys(ports));
}

/** Links, by key, that go with bridges and ports of ours, or are made anew because their bridge or port changes its type. */
export function vanishingOvsLinks(seen: readonly ActualOvs[], wanted: readonly OvsSpec[] = []): readonly string[] {
  const specs = new Map(wanted.map((spec) => [spec.name, spec]));
  return seen.flatMap((bridge) => {
    if (!bridge.owned) return [];
    const spec = specs.get(bridge.name);
    const stays = new Set(
      spec === undefined || datapathDiffers(spec, bridge)
        ? []
        : ovsPorts(spec).flatMap((port) => internalNames([port])),
    );
    // With its bridge goes somebody's port too.
    const going = bridge.ports.filter(({ name, owned }) => !stays.has(name) && (owned || spec === undefined));
    return internalKeys(going);
  });
}

function internalNames(ports: readonly Pick<OvsPort, "name" | "type">[]): readonly string[] {
  return ports.filter(({ type }) => type === "internal").map(({ name }) => name);
}

function internalKeys(ports: readonly Pick<OvsPort, "name" | "type">[]): readonly string[] {
  return internalNames(ports).map((name) => KEYS.link({ netns: HOST, name }));
}

/** Kinds of the links that Open vSwitch makes, by datapath. Somebody's of these it refuses itself, in its own words. */
const OVS_LINKS = new Set(["openvswitch", "tun"]);

/** Why a name cannot be had for a port that makes a link: a port or link of somebody has it. */
function takenName(bridge: string, name: string, context: DiffContext): string | undefined {
  const taken = takenPort(bridge, name, context);
  if (taken !== undefined) return taken;
  const link = context.links.get(KEYS.link({ netns: HOST, name }));
  if (link === undefined || link.owned || OVS_LINKS.has(link.type)) return undefined;
  return `Open vSwitch bridge ${bridge}: ${foreignLinkText(link, context.links.values())}`;
}

/** Names of ports are unique in all of Open vSwitch. */
function takenPort(bridge: string, name: string, { actual }: DiffContext): string | undefined {
  const other = actual.ovs.find(({ ports }) => ports.some((port) => port.name === name && !port.owned));
  if (other === undefined) return undefined;
  return `port ${name} of Open vSwitch bridge ${bridge}: bridge ${other.name} has a port ${name} that is not Netloom's`;
}

/** How many ports of somebody's bridge are named before the rest is counted. */
const NAMED_PORTS = 3;

function foreignBridgeText({ name, datapathType, ports, mark }: ActualOvs): string {
  const others = ports.flatMap((port) => (port.name === name ? [] : [port.name]));
  const more = others.length > NAMED_PORTS ? ` and ${others.length - NAMED_PORTS} more` : "";
  const words = [
    `datapath ${datapathType}`,
    others.length === 0 ? "no ports" : `ports ${others.slice(0, NAMED_PORTS).join(", ")}${more}`,
    ...(mark === null ? [] : [`another Netloom daemon made it, external_ids:netloom=${mark}`]),
  ];
  return `Open vSwitch bridge ${name} exists (${words.join("; ")}) and is not this daemon's`;
}
