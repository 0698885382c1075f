import { attach } from "./attach.ts";
import { binary } from "./binary.ts";
import { boot } from "./boot.ts";
import { churn } from "./churn.ts";
import { clones } from "./clones.ts";
import type { Bench } from "./figure.ts";
import { memory } from "./memory.ts";
import { online } from "./online.ts";
import { plan } from "./plan.ts";
import { pure } from "./pure.ts";
import { reconcile } from "./reconcile.ts";
import { repair } from "./repair.ts";
import { resource } from "./resource.ts";
import { scenarios } from "./scenarios.ts";
import { sources } from "./sources.ts";
import { switching } from "./switching.ts";

/** Everything that `npm run bench` measures, the quick ones first. One file each. */
export const benches: readonly Bench[] = [
  sources,
  binary,
  attach,
  resource,
  repair,
  plan,
  reconcile,
  memory,
  churn,
  switching,
  pure,
  clones,
  boot,
  online,
  scenarios,
];
