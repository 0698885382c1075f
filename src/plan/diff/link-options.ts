import type { ActualLink } from "../../model/actual.ts";
import type { LinkSpec } from "../../model/kernel.ts";
import { DEFAULT_PVID, FIXED_OPTIONS, type LinkOptionsByType, type OptionValue } from "../../model/link-options.ts";
import type { Step } from "../../model/step.ts";

/** True when an option differs that the kernel sets at creation only. What was not observed does not differ. */
export function fixedOptionDiffers(spec: LinkSpec, seen: ActualLink): boolean {
  if (seen.options === null || !(spec.type in FIXED_OPTIONS)) return false;
  const fixed: readonly string[] = FIXED_OPTIONS[spec.type as keyof LinkOptionsByType];
  const wanted: Readonly<Record<string, OptionValue>> = {
    ...(spec.type === "bridge" ? { defaultPvid: DEFAULT_PVID } : {}),
    ...spec.options,
  };
  return fixed.some((name) => {
    const [value, observed] = [wanted[name], seen.options?.[name] ?? undefined];
    return value !== undefined && observed !== undefined && value !== observed;
  });
}

/** Sets the options that differ on a link that stays. One that the wish does not name is left as it is. */
export function changeOptions(spec: LinkSpec, seen: ActualLink): readonly Step[] {
  if (spec.options === undefined) return [];
  const fixed = FIXED_OPTIONS[spec.type];
  const set = Object.fromEntries(differingOptions(spec, seen).filter(([name]) => !fixed.includes(name)));
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
