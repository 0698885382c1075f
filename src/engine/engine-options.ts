import type { Host } from "../host/host.ts";
import type { Log } from "../lib/log.ts";
import type { Report } from "../model/report.ts";
import type { Compiled } from "../plan/compile.ts";
import type { Allocations } from "./allocations.ts";
import type { Places } from "./facts.ts";
import type { Guard } from "./guard.ts";
import type { NodeState } from "./node-state.ts";
import type { DocumentStore } from "./store.ts";

/** What an engine works with. */
export interface EngineOptions extends Places {
  readonly host: Host;
  readonly store: DocumentStore;
  readonly allocations: Allocations;
  readonly state: NodeState;
  readonly guard: Guard;
  readonly log: Log;
}

/** How a change of documents is made. */
export interface ChangeOptions {
  /** True when somebody answers for the node being reached after it: the guard is not asked. */
  readonly confirm?: boolean;
}

/** What the engine knows after its last pass. */
export interface EngineView {
  readonly compiled: Compiled | null;
  readonly report: Report | null;
  /** What is not as it should be and is nothing that a pass could mend. */
  readonly problems: readonly string[];
  readonly total: number;
  readonly changed: number;
}
