import type { FailedStep, Host, ServiceState, WireguardKeys } from "../host/host.ts";
import type { Secret } from "../lib/secret.ts";
import type { Actual, ActualWireguard } from "../model/actual.ts";
import type { LeaseFact, NicFact, WireguardKeyFact } from "../model/facts.ts";
import type { CheckResult } from "../model/guard.ts";
import type { Step } from "../model/step.ts";
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
}

/** A host over the kernel in memory, which can be told to fail. */
export class MemoryHost implements Host {
  readonly keys: MemoryKeys = new MemoryKeys();
  kernel: Actual = emptyKernel();
  nicFacts: readonly NicFact[] = [];
  leaseFacts: readonly LeaseFact[] = [];
  /** How each check comes out, by the kernel as it is then. None by default: nobody is there to answer. */
  checks: (kernel: Actual) => readonly CheckResult[] = () => [];
  /** What observing throws. */
  blind: Error | undefined;
  /** Steps that fail, by a piece of their JSON. */
  refuses: string | undefined;
  /** What the kernel does by itself after steps. */
  afterwards: (kernel: Actual, steps: readonly Step[]) => Actual = (kernel) => kernel;
  /** Calls to observe and execute that were under way at once, at most. */
  mostAtOnce = 0;
  observed = 0;
  #running = 0;
  #onChange: () => void = () => undefined;

  observe(): Promise<Actual> {
    this.observed += 1;
    return this.#alone(() => {
      if (this.blind !== undefined) throw this.blind;
      return this.kernel;
    });
  }

  execute(steps: readonly Step[]): Promise<readonly FailedStep[]> {
    return this.#alone(() => {
      const failed = steps.filter((step) => this.refuses !== undefined && JSON.stringify(step).includes(this.refuses));
      const done = steps.filter((step) => !failed.includes(step));
      this.kernel = this.afterwards(applySteps(this.kernel, done), done);
      return failed.map((step) => ({ step, error: new Error("the kernel refuses") }));
    });
  }

  wireguard(): Promise<readonly ActualWireguard[]> {
    return Promise.resolve(this.kernel.wireguard);
  }

  nics(): Promise<readonly NicFact[]> {
    return Promise.resolve(this.nicFacts);
  }

  leases(): Promise<readonly LeaseFact[]> {
    return Promise.resolve(this.leaseFacts);
  }

  restoreLease(lease: LeaseFact): Promise<void> {
    if (!this.leaseFacts.some(({ nic }) => nic === lease.nic)) this.leaseFacts = [...this.leaseFacts, lease];
    return Promise.resolve();
  }

  connectivity(): Promise<readonly CheckResult[]> {
    return Promise.resolve(this.checks(this.kernel));
  }

  services(): Promise<readonly ServiceState[]> {
    return Promise.resolve(this.kernel.process.map(({ name }) => ({ name, up: true, pid: 1 })));
  }

  watch(onChange: () => void): Disposable {
    this.#onChange = onChange;
    return { [Symbol.dispose]: () => (this.#onChange = () => undefined) };
  }

  /** Says that something changed, as the kernel's events do. */
  event(): void {
    this.#onChange();
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
