import type { KernelObject } from "../model/kernel.ts";
import { objectId } from "./object-key.ts";

interface Known {
  readonly inputs: readonly unknown[];
  readonly objects: readonly KernelObject[];
}

/** By document or member, which are never changed, only replaced. */
const COMPILED = new WeakMap<object, Known>();
const IDS = new WeakMap<readonly KernelObject[], readonly string[]>();

/**
 * What `source` compiles to: the same array as last time while the same one is asked for with the same `inputs`, which are all that
 * `work` reads beside it. A pass over a node where nothing changed then costs neither time nor memory.
 */
export function compileOnce(
  source: object,
  inputs: readonly unknown[],
  work: () => readonly KernelObject[],
): readonly KernelObject[] {
  const known = COMPILED.get(source);
  if (known?.inputs.length === inputs.length && known.inputs.every((input, at) => input === inputs[at]))
    return known.objects;
  const objects = work();
  COMPILED.set(source, { inputs, objects });
  return objects;
}

/** `objectId` of each object, made once for an array. */
export function objectIds(objects: readonly KernelObject[]): readonly string[] {
  const known = IDS.get(objects);
  if (known !== undefined) return known;
  const ids = objects.map(objectId);
  IDS.set(objects, ids);
  return ids;
}
