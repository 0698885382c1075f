import type { ProcessSpec } from "../../model/kernel.ts";
import type { ActualProcess } from "../../model/actual.ts";
import type { ServiceState } from "../host.ts";

/** What keeps permanent processes alive while the daemon is away. */
export interface Supervisor {
  /** Our services by definition. */
  list(): Promise<readonly ActualProcess[]>;
  /** Registers a service, or replaces its definition and restarts it. */
  set(spec: ProcessSpec, hash: string): Promise<void>;
  /** Stops a service with all its processes and forgets it with its files, but for those to `keep`; one that is not there is done. */
  remove(name: string, keep?: readonly string[]): Promise<void>;
  states(): Promise<readonly ServiceState[]>;
}
