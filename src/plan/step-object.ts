import type { Target } from "../model/kernel.ts";
import { visitStep, type Step, type StepTable } from "../model/step.ts";
import { KEYS, objectId } from "./object-key.ts";

const link = (args: Parameters<typeof KEYS.link>[0]): string => `link ${KEYS.link(args)}`;
const ovs = (args: Parameters<typeof KEYS.ovs>[0]): string => `ovs ${KEYS.ovs(args)}`;
const wireguard = (args: Parameters<typeof KEYS.wireguard>[0]): string => `wireguard ${KEYS.wireguard(args)}`;

const OBJECTS: StepTable<string> = {
  "netns.add": ({ name }) => `netns ${name}`,
  "netns.del": ({ name }) => `netns ${name}`,
  "link.add": link,
  "link.set": link,
  "link.del": link,
  "link.rename": ({ netns, to }) => link({ netns, name: to }),
  "link.port": link,
  "vlan.add": link,
  "vlan.del": link,
  "ovs.set": ovs,
  "ovs.unport": ovs,
  "ovs.del": ovs,
  "sysctl.set": objectId,
  "address.add": objectId,
  "address.del": objectId,
  "neighbor.add": objectId,
  "neighbor.del": objectId,
  "fdb.add": objectId,
  "fdb.del": objectId,
  "route.add": objectId,
  "route.del": objectId,
  "rule.add": objectId,
  "rule.del": objectId,
  "nft.load": objectId,
  "nft.del": (table) => `nft ${KEYS.nft(table)}`,
  "wireguard.device": wireguard,
  "wireguard.peer": wireguard,
  "wireguard.unpeer": wireguard,
  "file.set": objectId,
  "file.del": ({ path }) => `file ${path}`,
  "process.set": objectId,
  "process.del": ({ name }) => `process ${name}`,
};

/** The object that a step is about, in the words of `objectId`: "link l-lab". */
export function stepObject(step: Step): string {
  return visitStep(OBJECTS, step);
}

/** Which unit wants an object, by its id: "link l-lab" -> "Lan lab". */
export function unitOwners(units: Iterable<readonly [unit: string, objects: Target]>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const [unit, objects] of units) for (const object of objects) owners.set(objectId(object), unit);
  return owners;
}
