import type { Actual } from "../../model/actual.ts";
import type { KernelObjects, ObjectKind } from "../../model/kernel.ts";
import type { Step } from "../../model/step.ts";
import { KEYS } from "../object-key.ts";
import type { DiffContext } from "./context.ts";

/** How one kind of object is brought from what is to what shall be. The loop over them is `diffKind`, once for all kinds. */
export interface KindDiffer<K extends ObjectKind> {
  readonly kind: K;
  /** Ours to remove. */
  readonly owned: (seen: Actual[K][number], context: DiffContext) => boolean;
  /** The namespace or link it sits on disappears, and it too without a step of its own. */
  readonly vanishes: (seen: Actual[K][number], context: DiffContext) => boolean;
  /** A reason not to touch what we want, because its name or its place is someone else's. */
  readonly foreign?: (
    spec: KernelObjects[K],
    context: DiffContext,
    seen: Actual[K][number] | undefined,
  ) => string | undefined;
  /** Parts of what we want that are someone else's; the rest of it is done all the same. */
  readonly foreignParts?: (spec: KernelObjects[K], context: DiffContext) => readonly string[];
  readonly add: (spec: KernelObjects[K], context: DiffContext) => readonly Step[];
  readonly change: (spec: KernelObjects[K], seen: Actual[K][number], context: DiffContext) => readonly Step[];
  readonly remove: (seen: Actual[K][number], context: DiffContext) => readonly Step[];
}

export interface KindDiff {
  readonly steps: readonly Step[];
  readonly foreign: readonly string[];
}

export function diffKind<K extends ObjectKind>(differ: KindDiffer<K>, context: DiffContext): KindDiff {
  const keyOf = KEYS[differ.kind] as (object: Actual[K][number] | KernelObjects[K]) => string;
  const observed: readonly Actual[K][number][] = context.actual[differ.kind];
  const seen = new Map(observed.map((object) => [keyOf(object), object]));
  const specs: readonly KernelObjects[K][] = context.wanted[differ.kind] ?? [];
  const wanted = new Map(specs.map((spec) => [keyOf(spec), spec]));
  const steps: Step[] = [];
  const foreign: string[] = [];
  for (const [key, spec] of wanted) {
    const existing = seen.get(key);
    const reason = differ.foreign?.(spec, context, existing);
    if (reason !== undefined) {
      foreign.push(reason);
      continue;
    }
    foreign.push(...(differ.foreignParts?.(spec, context) ?? []));
    const kept = existing !== undefined && !differ.vanishes(existing, context);
    const needed = kept ? differ.change(spec, existing, context) : differ.add(spec, context);
    for (const step of needed) steps.push(step);
  }
  for (const [key, object] of seen) {
    if (!wanted.has(key) && differ.owned(object, context) && !differ.vanishes(object, context))
      steps.push(...differ.remove(object, context));
  }
  return { steps, foreign };
}
