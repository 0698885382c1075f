import type { LanDocument } from "../../model/document.ts";
import type { LanFacts } from "../../model/facts.ts";
import type { KernelObject } from "../../model/kernel.ts";
import { compileBridgeLan } from "./bridge.ts";

/** Compiles a LAN; `upstream` are the uplink's name servers. */
export type LanCompiler = (lan: LanDocument, facts: LanFacts, upstream: readonly string[]) => readonly KernelObject[];

/** One compiler per LAN type: a type of the schema without one does not compile. */
export const LAN_COMPILERS: { readonly [T in LanDocument["type"]]: LanCompiler } = {
  bridge: compileBridgeLan,
};
