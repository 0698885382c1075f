import type { Actual, ActualLink } from "../model/actual.ts";
import { HOST } from "../model/kernel.ts";
import type { ActualOvs, OvsPort } from "../model/ovs.ts";
import type { StepArguments } from "../model/step.ts";
import { untouchedLink } from "../model/actual.ts";

/** The part of a kernel in memory that Open vSwitch has to do with. */
interface OvsState {
  ovs: ActualOvs[];
  readonly link: readonly ActualLink[];
}

/** What has to become of links, by name. */
interface LinkChanges {
  readonly gone: readonly string[];
  readonly made: readonly string[];
}

/** Makes a bridge or changes it, as Open vSwitch does: with another datapath all links that it makes are new ones. */
export function setOvsBridge(
  state: OvsState,
  { name, datapathType = "system", ports }: StepArguments["ovs.set"],
): LinkChanges {
  const before = state.ovs.find((bridge) => bridge.name === name);
  for (const port of ports) {
    if (state.ovs.some((other) => other !== before && other.ports.some((one) => one.name === port.name)))
      throw new Error(`constraint violation: there is a port ${port.name}`);
    if (port.type === "system" && !state.link.some((link) => link.netns === HOST && link.name === port.name))
      throw new Error(`could not open network device ${port.name} (No such device)`);
  }
  const names = new Set(ports.map((port) => port.name));
  const set = ports.map((port) => ({ ...port, error: null, owned: true }));
  const after: ActualOvs = {
    name,
    datapathType,
    mark: "memory",
    owned: true,
    ports: [...(before?.ports.filter((port) => !names.has(port.name)) ?? []), ...set],
  };
  state.ovs = [...state.ovs.filter((bridge) => bridge !== before), after];
  const had = internal(before?.ports ?? []);
  const has = internal(after.ports);
  const anew = before !== undefined && before.datapathType !== datapathType;
  return {
    gone: anew ? had : had.filter((one) => !has.includes(one)),
    made: anew ? has : has.filter((one) => !had.includes(one)),
  };
}

/** Pulls ports out. @returns the links that go with them */
export function unplugOvs(state: OvsState, name: string, names: readonly string[]): readonly string[] {
  const bridge = find(state, name);
  const going = bridge.ports.filter((port) => names.includes(port.name));
  if (going.length < names.length) throw new Error(`no such port of ${name}: ${names.join()}`);
  const ports = bridge.ports.filter((port) => !going.includes(port));
  state.ovs = state.ovs.map((other) => (other === bridge ? { ...bridge, ports } : other));
  return internal(going);
}

/** @returns the links that go with the bridge */
export function removeOvsBridge(state: OvsState, name: string): readonly string[] {
  const bridge = find(state, name);
  state.ovs = state.ovs.filter((other) => other !== bridge);
  return internal(bridge.ports);
}

/** A link that Open vSwitch made: switched off, and nobody's by its group. */
export function ovsLink(name: string, index: number): ActualLink {
  return untouchedLink({ name, index, type: "openvswitch" });
}

function find({ ovs }: Pick<Actual, "ovs">, name: string): ActualOvs {
  const bridge = ovs.find((one) => one.name === name);
  if (bridge === undefined) throw new Error(`no such bridge: ${name}`);
  return bridge;
}

function internal(ports: readonly OvsPort[]): readonly string[] {
  return ports.filter(({ type }) => type === "internal").map(({ name }) => name);
}
