import type { Dirty, FailedStep, Host, Leases, Scope, ServiceState, WireguardKeys } from "../host/host.ts";
import { familyOf } from "../lib/ip.ts";
import type { Secret } from "../lib/secret.ts";
import type { Actual, ActualWireguard } from "../model/actual.ts";
import type { ClockFact, Lease6Fact, LeaseFact, NicFact, RouterFact, WireguardKeyFact } from "../model/facts.ts";
import type { Answer, Question } from "../model/check.ts";
import type { FirewallFacts } from "../model/firewall-facts.ts";
import type { CheckResult } from "../model/guard.ts";
import type { Limits } from "../model/limits.ts";
import type { Target } from "../model/kernel.ts";
import type { Step } from "../model/step.ts";
import type { SupervisorFacts } from "../model/supervisor.ts";
import { keyFact } from "./builders.ts";
import { applySteps, emptyKernel } from "./memory-kernel.ts";

/** Keys in memory, derived from the resource's name. */
class MemoryKeys implements WireguardKeys {
  readonly given: Map<string, Secret> = new Map<string, Secret>();
  readonly made: Set<string> = new Set<string>();

  ensure(resource: string, given?: Secret): Promise<WireguardKeyFact> {
    if (given !== undefined) this.given.set(resource, given);
    this.made.add(resource);
    return Promise.resolve(keyFact(resource));
  }

  peek(resource: string): Promise<WireguardKeyFact | undefined> {
    return Promise.resolve(this.made.has(resource) ? keyFact(resource) : undefined);
  }

  remove(resource: string): Promise<void> {
    this.made.delete(resource);
    return Promise.resolve();
  }

  since(): Promise<"boot" | "disk"> {
    return Promise.resolve("boot");
  }
}

/** A host over the kernel in memory, which can be told to fail. */
export class MemoryHost implements Host {
  readonly keys: MemoryKeys = new MemoryKeys();
  kernel: Actual = emptyKernel();
  nicFacts: readonly NicFact[] = [];
  leaseFacts: readonly LeaseFact[] = [];
  lease6Facts: readonly Lease6Fact[] = [];
  /** By namespace and link, "probe-eth0/eth0". */
  readonly routers: Map<string, RouterFact> = new Map<string, RouterFact>();
  readonly problems: readonly string[] = [];
  limits: Limits = { descriptors: 1 << 16 };
  clockFact: ClockFact = { synchronised: false };
  firewallFacts: FirewallFacts = { chains: [], legacyTables: [], bridgeCalls: [] };
  managersRunning: readonly string[] = [];
  /** How each check comes out, by the kernel as it is then. None by default: nobody is there to answer. */
  checks: (kernel: Actual) => readonly CheckResult[] = () => [];
  /** Which gateways and targets answer. All by default. */
  answers: (to: string) => boolean = () => true;
  /** What observing throws. */
  blind: Error | undefined;
  /** Steps that fail, by a piece of their JSON. */
  refuses: string | undefined;
  /** With which errno. */
  refusesAs = "EPERM";
  /** What the kernel does by itself after steps. */
  afterwards: (kernel: Actual, steps: readonly Step[]) => Actual = (kernel) => kernel;
  /** Calls to observe and execute that were under way at once, at most. */
  mostAtOnce = 0;
  observed = 0;
  executed = 0;
  #running = 0;
  /** What was looked at, in order. */
  readonly scopes: Scope[] = [];
  #onDirty: (dirty: Dirty) => void = () => undefined;

  observe(_target: Target, scope: Scope): Promise<Actual> {
    this.observed += 1;
    this.scopes.push(scope);
    return this.#alone(() => {
      if (this.blind !== undefined) throw this.blind;
      return this.kernel;
    });
  }

  execute(steps: readonly Step[]): Promise<readonly FailedStep[]> {
    this.executed += 1;
    return this.#alone(() => {
      const failed = steps.filter((step) => this.refuses !== undefined && JSON.stringify(step).includes(this.refuses));
      const done = steps.filter((step) => !failed.includes(step));
      this.kernel = this.afterwards(applySteps(this.kernel, done), done);
      return failed.map((step) => ({
        step,
        error: Object.assign(new Error("the kernel refuses"), { code: this.refusesAs }),
      }));
    });
  }

  wireguard(): Promise<readonly ActualWireguard[]> {
    return Promise.resolve(this.kernel.wireguard);
  }

  nics(_scope: Scope): Promise<readonly NicFact[]> {
    return Promise.resolve(this.nicFacts);
  }

  routerFacts(netns: string, dev: string): Promise<RouterFact | undefined> {
    return Promise.resolve(this.routers.get(`${netns}/${dev}`));
  }

  leases(): Promise<Leases> {
    return Promise.resolve({ v4: this.leaseFacts, v6: this.lease6Facts });
  }

  connectivity(): Promise<readonly CheckResult[]> {
    return Promise.resolve(this.checks(this.kernel));
  }

  ask({ gateways, targets }: Question): Promise<Answer> {
    const asked = (name: string, to: string): CheckResult => ({
      name,
      passed: this.answers(to),
      detail: `${to} ${this.answers(to) ? "answers" : "does not answer"}`,
    });
    const [v4, v6] = [4, 6].map((family) => gateways.find((gateway) => familyOf(gateway) === family));
    return Promise.resolve({
      ...(v4 === undefined ? {} : { gateway4: asked("IPv4 gateway", v4) }),
      ...(v6 === undefined ? {} : { gateway6: asked("IPv6 gateway", v6) }),
      checks: targets.map((target) => asked(target, target)),
    });
  }

  firewalls(): Promise<FirewallFacts> {
    return Promise.resolve(this.firewallFacts);
  }

  managers(): Promise<readonly string[]> {
    return Promise.resolve(this.managersRunning);
  }

  clock(): Promise<ClockFact> {
    return Promise.resolve(this.clockFact);
  }

  supervisor(): SupervisorFacts {
    return { kind: "direct", problems: [] };
  }

  services(): Promise<readonly ServiceState[]> {
    return Promise.resolve(this.kernel.process.map(({ name }) => ({ name, up: true, pid: 1 })));
  }

  namespaces(): Promise<readonly string[]> {
    return Promise.resolve(this.kernel.netns.map(({ name }) => name));
  }

  watch(onDirty: (dirty: Dirty) => void): Disposable {
    this.#onDirty = onDirty;
    return { [Symbol.dispose]: () => (this.#onDirty = () => undefined) };
  }

  /** Says that something changed, as the kernel's events do; by default that some were lost. */
  event(dirty: Partial<Dirty> = { everything: true }): void {
    this.#onDirty({ everything: false, netns: new Set(), topics: new Set(), actors: [], ...dirty });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #alone<T>(work: () => T): Promise<T> {
    this.#running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running);
    try {
      // Whoever would run beside it gets the chance to.
      await new Promise((resolve) => setImmediate(resolve));
      return work();
    } finally {
      this.#running -= 1;
    }
  }
}
