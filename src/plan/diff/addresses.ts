import type { ActualAddress } from "../../model/actual.ts";
import { LIFETIME_SLACK, type AddressSpec, type SysctlSpec } from "../../model/kernel.ts";
import type { Step } from "../../model/step.ts";
import { KEYS } from "../object-key.ts";
import type { DiffContext } from "./context.ts";
import type { KindDiffer } from "./kind-differ.ts";

export const addressDiffer: KindDiffer<"address"> = {
  kind: "address",
  owned: (seen) => seen.owned,
  vanishes: (seen, context) => context.linkVanishes(seen.netns, seen.dev),
  foreign: (spec, context) => context.foreign(spec.netns, spec.dev),
  add: (spec) => [{ op: "address.add", args: spec }],
  // `address.add` changes the lifetimes of an address that is there; somebody's equal address is enough as it is.
  change: (spec, seen) => (!seen.owned || sameLifetimes(spec, seen) ? [] : [{ op: "address.add", args: spec }]),
  remove: ({ netns, dev, address }) => [{ op: "address.del", args: { kind: "address", netns, dev, address } }],
};

function sameLifetimes(spec: AddressSpec, seen: ActualAddress): boolean {
  const { validUntil = null, preferredUntil = validUntil } = spec;
  return about(validUntil, seen.validUntil) && about(preferredUntil, seen.preferredUntil);
}

function about(a: number | null, b: number | null): boolean {
  return a === null || b === null ? a === b : Math.abs(a - b) <= LIFETIME_SLACK;
}

export const sysctlDiffer: KindDiffer<"sysctl"> = {
  kind: "sysctl",
  owned: (seen) => seen.before !== null,
  // A link that is made anew has the kernel's defaults: its parameters are set again after it, in the same round.
  vanishes: (seen, context) => {
    const dev = context.wantedSysctlLinks.get(KEYS.sysctl(seen));
    return context.netnsVanishes(seen.netns) || (dev !== undefined && context.linkVanishes(seen.netns, dev));
  },
  foreign: (spec, context) => context.foreign(spec.netns, spec.dev),
  add: (spec, context) => (spec.atLeast === true ? [] : [setParameter(spec, context)]),
  change: (spec, seen, context) => (holdsValue(spec, seen.value) ? [] : [setParameter(spec, context)]),
  remove: ({ netns, key, before }) =>
    before === null ? [] : [{ op: "sysctl.set", args: { kind: "sysctl", netns, key, value: before, givesBack: true } }],
};

/** A NIC gets back what it had when nobody wants anything of it any more; a link of ours goes. */
function setParameter(spec: SysctlSpec, { wantedLinks }: DiffContext): Step {
  const { netns, dev } = spec;
  const borrows = dev !== undefined && wantedLinks.get(KEYS.link({ netns, name: dev }))?.type === "physical";
  return { op: "sysctl.set", args: { ...spec, ...(borrows ? { borrows } : {}) } };
}

function holdsValue({ value, atLeast }: SysctlSpec, seen: string | null): boolean {
  return atLeast === true ? seen === null || Number(seen) >= Number(value) : seen === value;
}
