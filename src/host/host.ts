import type { Secret } from "../lib/secret.ts";
import type { Actual, ActualWireguard } from "../model/actual.ts";
import type { ClockFact, Lease6Fact, LeaseFact, NicFact, RouterFact, WireguardKeyFact } from "../model/facts.ts";
import type { Answer, Question } from "../model/check.ts";
import type { FirewallFacts } from "../model/firewall-facts.ts";
import type { CheckResult } from "../model/guard.ts";
import type { Limits } from "../model/limits.ts";
import type { Target } from "../model/kernel.ts";
import type { MonitorGroup } from "./digest-types.ts";
import type { Step } from "../model/step.ts";
import type { SupervisorFacts } from "../model/supervisor.ts";

/** The namespaces to look at. */
export type Scope = "all" | ReadonlySet<string>;

/** Who changed something. */
export interface Actor {
  readonly pid: number;
  /** Null when it had ended before it could be asked. */
  readonly program: string | null;
  readonly netns: string;
  readonly kind: MonitorGroup;
  /** Name of the link concerned. */
  readonly name?: string;
}

/** What may have changed since the last call. */
export interface Dirty {
  /** Changes were missed: everything may be different. */
  readonly everything: boolean;
  readonly netns: ReadonlySet<string>;
  readonly topics: ReadonlySet<"leases" | "clock" | "files" | "services" | "names">;
  readonly actors: readonly Actor[];
}

/** A service of ours as the supervisor sees it. */
export interface ServiceState {
  readonly name: string;
  readonly up: boolean;
  readonly pid: number | null;
}

/** Leases by family; that of a NIC is found by the NIC's name, wherever its client runs. */
export interface Leases {
  readonly v4: readonly LeaseFact[];
  readonly v6: readonly Lease6Fact[];
}

/** A step that did not work, and why. */
export interface FailedStep {
  readonly step: Step;
  readonly error: Error;
}

/** WireGuard keys of the node, made here and kept in 0600 files: private halves never travel. */
export interface WireguardKeys {
  /** The key of a resource; made at the first call, unless `given` is the one to keep. */
  ensure(resource: string, given?: Secret): Promise<WireguardKeyFact>;
  /** What `ensure` would give; undefined when it would make a key. Nothing is written. */
  peek(resource: string, given?: Secret): Promise<WireguardKeyFact | undefined>;
  remove(resource: string): Promise<void>;
  /** Whether the key was made since this boot, so that others have to be told, or was there before. */
  since(resource: string): Promise<"boot" | "disk">;
}

/** The seam to the operating system: whatever the engine learns or changes goes through here. */
export interface Host extends AsyncDisposable {
  readonly keys: WireguardKeys;
  readonly limits: Limits;
  /** What was wrong with what it keeps from before. */
  readonly problems: readonly string[];
  /**
   * What is, as far as it is ours or the target speaks of it: looked at in the namespaces of `scope` and in those that our own
   * steps changed, elsewhere as it was seen last.
   */
  observe(target: Target, scope: Scope): Promise<Actual>;
  /**
   * Takes the steps, those that concern one namespace in their order. One that fails does not stop the others; all failures
   * are returned.
   */
  execute(steps: readonly Step[]): Promise<readonly FailedStep[]>;
  /** WireGuard devices of ours with their counters as they are now; it may be asked beside a pass. */
  wireguard(): Promise<readonly ActualWireguard[]>;
  /** As they are, or as they were seen last when the node's own namespace is outside `scope`. */
  nics(scope: Scope): Promise<readonly NicFact[]>;
  /**
   * What router advertisements said at a link; undefined when none was heard, or there is no such link. As it was seen last when
   * the namespace is outside `scope`.
   */
  routerFacts(netns: string, dev: string, scope: Scope): Promise<RouterFact | undefined>;
  /** Leases that the DHCP clients reported, expired ones left out. */
  leases(): Promise<Leases>;
  /** Whom the node reaches now: each is asked, which takes some seconds when it does not answer. */
  connectivity(): Promise<readonly CheckResult[]>;
  /** Asks a network from inside: default routers, and who else was named. It takes some seconds when somebody does not answer. */
  ask(question: Question): Promise<Answer>;
  /** What other firewalls of the node's namespace could do to our traffic. */
  firewalls(): Promise<FirewallFacts>;
  /** Programs that run now and change networks by themselves, "NetworkManager (pid 700)". */
  managers(): Promise<readonly string[]>;
  /** What is known of the clock by the kernel and our time client. */
  clock(): Promise<ClockFact>;
  services(): Promise<readonly ServiceState[]>;
  supervisor(): SupervisorFacts;
  /** Names under /run/netns, whoever made them. */
  namespaces(): Promise<readonly string[]>;
  /** Calls back when something in the kernel, a lease or a service may have changed. */
  watch(onDirty: (dirty: Dirty) => void): Disposable;
}
