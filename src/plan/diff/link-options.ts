import type { ActualLink } from "../../model/actual.ts";
import type { LinkSpec } from "../../model/kernel.ts";
import { FIXED_OPTIONS, type OptionValue } from "../../model/link-options.ts";
import type { Step } from "../../model/step.ts";

/** True when an option differs that the kernel sets at creation only. What was not observed does not differ. */
export function fixedOptionDiffers(spec: LinkSpec, seen: ActualLink): boolean {
  if (spec.options === undefined) return false;
  const fixed = FIXED_OPTIONS[spec.type];
  return differingOptions(spec, seen).some(([name]) => fixed.includes(name));
}

/** Sets the options that differ on a link that stays. One that the wish does not name is left as it is. */
export function changeOptions(spec: LinkSpec, seen: ActualLink): readonly Step[] {
  if (spec.options === undefined) return [];
  const set = Object.fromEntries(differingOptions(spec, seen));
  if (Object.keys(set).length === 0) return [];
  const { netns, name, type } = spec;
  return [{ op: "link.set", args: { netns, name, options: { type, set } } }];
}

function differingOptions(spec: LinkSpec, seen: ActualLink): readonly (readonly [string, OptionValue])[] {
  const observed = seen.options;
  if (observed === null) return [];
  const wanted: readonly (readonly [string, OptionValue])[] = Object.entries(spec.options ?? {});
  return wanted.filter(([name, value]) => value !== observed[name]);
}
