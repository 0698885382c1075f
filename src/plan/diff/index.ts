import type { Actual } from "../../model/actual.ts";
import type { ObjectKind, Target } from "../../model/kernel.ts";
import type { Step } from "../../model/step.ts";
import { orderSteps } from "../order.ts";
import { addressDiffer, sysctlDiffer } from "./addresses.ts";
import { diffContext, type DiffContext } from "./context.ts";
import { diffKind, type KindDiff } from "./kind-differ.ts";
import { fileDiffer } from "./files.ts";
import { linkDiffer, netnsDiffer, removeLinks } from "./links.ts";
import { ovsDiffer } from "./ovs.ts";
import { routeDiffer } from "./routes.ts";
import { nftDiffer, processDiffer } from "./services.ts";
import { fdbDiffer, neighborDiffer, ruleDiffer } from "./tables.ts";
import { wireguardDiffer } from "./wireguard.ts";

/** One differ per kind of the vocabulary: a kind without one does not compile. */
const DIFFS: { readonly [K in ObjectKind]: (context: DiffContext) => KindDiff } = {
  netns: (context) => diffKind(netnsDiffer, context),
  link: (context) => diffKind(linkDiffer, context),
  ovs: (context) => diffKind(ovsDiffer, context),
  sysctl: (context) => diffKind(sysctlDiffer, context),
  address: (context) => diffKind(addressDiffer, context),
  neighbor: (context) => diffKind(neighborDiffer, context),
  fdb: (context) => diffKind(fdbDiffer, context),
  route: (context) => diffKind(routeDiffer, context),
  rule: (context) => diffKind(ruleDiffer, context),
  nft: (context) => diffKind(nftDiffer, context),
  wireguard: (context) => diffKind(wireguardDiffer, context),
  file: (context) => diffKind(fileDiffer, context),
  process: (context) => diffKind(processDiffer, context),
};

export interface Difference {
  /** What has to be done, in the order in which it can be done. */
  readonly steps: readonly Step[];
  /** What we want and must not touch, because it is someone else's. */
  readonly foreign: readonly string[];
}

/** The steps from what is to what shall be. Pure; `diff(x, x)` has none. */
export function diff(actual: Actual, target: Target): Difference {
  const context = diffContext(actual, target);
  const parts = Object.values(DIFFS).map((difference) => difference(context));
  const steps = [...removeLinks(context), ...parts.flatMap((part) => part.steps)];
  return {
    steps: orderSteps(steps, context),
    foreign: [...new Set(parts.flatMap((part) => part.foreign))],
  };
}
