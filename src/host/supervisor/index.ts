import type { ActualProcess } from "../../model/actual.ts";
import type { ProcessSpec } from "../../model/kernel.ts";
import type { SupervisorKind } from "../../model/supervisor.ts";
import type { ServiceState } from "../host.ts";

/** What keeps permanent processes alive while the daemon is away. */
export interface Supervisor {
  readonly kind: SupervisorKind;
  /** Our services by definition. */
  list(): Promise<readonly ActualProcess[]>;
  /** Registers a service, or replaces its definition and restarts it. */
  set(spec: ProcessSpec, hash: string): Promise<void>;
  /** Stops a service with all its processes and forgets it with its files, but for those to `keep`; one that is not there is done. */
  remove(name: string, keep?: readonly string[]): Promise<void>;
  states(): Promise<readonly ServiceState[]>;
  /** What is wrong with the supervisor itself, in a sentence each. */
  problems(): readonly string[];
}

/**
 * What differs between supervisors. A service is a directory of ours with an executable `run`, which becomes the process; it is
 * ours where the supervisor says that this very file is what it runs, so that a stranger's service of the same name is left alone.
 */
export interface Backend {
  readonly kind: SupervisorKind;
  /** Names of our services that it keeps alive. */
  kept(): Promise<ReadonlySet<string>>;
  /** Keeps the service of a directory alive from now on; one that it keeps already is restarted from what is there now. */
  start(name: string): Promise<void>;
  /** Ends a service, by force when it does not obey, and forgets it; one that is not kept is done. */
  stop(name: string): Promise<void>;
  states(): Promise<readonly ServiceState[]>;
  problems(): readonly string[];
}

/** How long a service may take to obey SIGTERM before it is killed, in milliseconds, and its supervisor to end it after that. */
export const KILL_AFTER_MS = 3000;
export const STOP_TIMEOUT_MS = 8000;
