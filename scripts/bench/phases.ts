import { Netlink } from "../../src/host/addon.ts";
import type { Host } from "../../src/host/host.ts";

interface Taken {
  milliseconds: number;
  calls: number;
  /** Those under way, and since when there are any: side by side they take their time once. */
  running: number;
  since: number;
}

type Operation = (...args: unknown[]) => unknown;

/**
 * Where the time of work on a host goes: by the host's own operations, by the calls to the addon in them, and by what the
 * addon says of each request. What is left is this program's own.
 */
export class Phases {
  readonly #taken: Map<string, Taken> = new Map();
  readonly #addon: Map<string, Taken> = new Map();
  readonly #requests: Map<string, Taken> = new Map();
  #paused = false;

  constructor() {
    this.#watchAddon();
  }

  /** The host, with each of its operations timed; `onWatch` is told by whom it is watched. */
  watch(host: Host, onWatch: (onDirty: Parameters<Host["watch"]>[0]) => void): Host {
    return new Proxy(host, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        if (name === "watch")
          return (onDirty: Parameters<Host["watch"]>[0]) => {
            onWatch(onDirty);
            return target.watch(onDirty);
          };
        const operation = (value as Operation).bind(target);
        if (typeof name === "symbol") return operation;
        return (...args: unknown[]) => this.#timed(this.#taken, name, () => operation(...args));
      },
    });
  }

  /** What happens from now on does not count, until it is resumed. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** Forgets what was taken so far. */
  reset(): void {
    for (const part of [this.#taken, this.#addon, this.#requests]) part.clear();
  }

  /** One line for each operation and one for the rest, of `rounds` that took `milliseconds` in all. */
  lines(milliseconds: number, rounds: number): readonly string[] {
    const known = [...this.#taken.values()].reduce((sum, taken) => sum + taken.milliseconds, 0);
    const table = (part: ReadonlyMap<string, Taken>, prefix: string): readonly string[] =>
      [...part]
        .toSorted(([, a], [, b]) => b.milliseconds - a.milliseconds)
        .filter(([, taken]) => taken.milliseconds > milliseconds / 100)
        .map(([name, taken]) =>
          line(taken.milliseconds, `${prefix}${name}, ${(taken.calls / rounds).toFixed(1)} times`),
        );
    const line = (value: number, text: string): string => `${(value / rounds).toFixed(2).padStart(8)} ms  ${text}`;
    return [
      ...table(this.#taken, "host."),
      line(Math.max(0, milliseconds - known), "the rest: parse, compile, compare, write documents"),
      ...table(this.#addon, "  of all that in the addon: "),
      ...table(this.#requests, "  of that in the kernel: "),
    ];
  }

  /** Only measurements do this to the addon's class; the daemon has no hook for it. */
  #watchAddon(): void {
    const prototype = Netlink.prototype as unknown as Record<string, Operation>;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      // A getter has no value here, and could not be read without its object.
      const operation: Operation | undefined = value;
      if (operation === undefined || name === "constructor" || name === "close") continue;
      const timed = (self: unknown, args: unknown[]): unknown =>
        this.#timed(this.#addon, name, () => operation.apply(self, args));
      prototype[name] = name === "batch" ? this.#counted(timed) : byThis(timed);
    }
  }

  /** A batch whose requests are counted by their own clocks. */
  #counted(timed: (self: unknown, args: unknown[]) => unknown): Operation {
    const add = this.#add.bind(this);
    return byThis(async (self, args) => {
      const outcomes = (await timed(self, args)) as Awaited<ReturnType<Netlink["batch"]>>;
      const [requests] = args as Parameters<Netlink["batch"]>;
      for (const [index, { op }] of requests.entries()) add(this.#requests, op, (outcomes[index]?.us ?? 0) / 1000);
      return outcomes;
    });
  }

  #timed(into: Map<string, Taken>, name: string, work: () => unknown): unknown {
    const taken = this.#of(into, name);
    if (taken.running === 0) taken.since = performance.now();
    taken.running += 1;
    const done = (): void => {
      taken.running -= 1;
      if (taken.running === 0) taken.milliseconds += performance.now() - taken.since;
      taken.calls += 1;
    };
    const result = work();
    if (result instanceof Promise) return result.finally(done);
    done();
    return result;
  }

  #add(into: Map<string, Taken>, name: string, milliseconds: number): void {
    const taken = this.#of(into, name);
    taken.milliseconds += milliseconds;
    taken.calls += 1;
  }

  /** Where it is counted; what happens in a pause is counted nowhere. */
  #of(into: Map<string, Taken>, name: string): Taken {
    const fresh = { milliseconds: 0, calls: 0, running: 0, since: 0 };
    if (this.#paused) return fresh;
    const taken = into.get(name) ?? fresh;
    into.set(name, taken);
    return taken;
  }
}

/** A method that is told what `this` is. */
function byThis(work: (self: unknown, args: unknown[]) => unknown): Operation {
  return function method(this: unknown, ...args: unknown[]): unknown {
    return work(this, args);
  };
}
