import type { Host } from "../../src/host/host.ts";

/** Where the time of work on a host goes, by the host's own operations; what is left is this program's own. */
export class Phases {
  readonly #taken = new Map<string, { milliseconds: number; calls: number }>();
  #paused = false;

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
        const operation = (value as (...args: unknown[]) => unknown).bind(target);
        if (typeof name === "symbol") return operation;
        return (...args: unknown[]) => this.#timed(name, () => operation(...args));
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
    this.#taken.clear();
  }

  /** One line for each operation and one for the rest, of `rounds` that took `milliseconds` in all. */
  lines(milliseconds: number, rounds: number): readonly string[] {
    const each = [...this.#taken].toSorted(([, a], [, b]) => b.milliseconds - a.milliseconds);
    const known = each.reduce((sum, [, taken]) => sum + taken.milliseconds, 0);
    const perRound = (value: number): string => `${(value / rounds).toFixed(2).padStart(8)} ms`;
    return [
      ...each.map(
        ([name, taken]) => `${perRound(taken.milliseconds)}  host.${name}, ${(taken.calls / rounds).toFixed(1)} calls`,
      ),
      `${perRound(Math.max(0, milliseconds - known))}  the rest: parse, compile, compare, write documents`,
    ];
  }

  #timed(name: string, work: () => unknown): unknown {
    const started = performance.now();
    const done = (): void => {
      if (this.#paused) return;
      const taken = this.#taken.get(name) ?? { milliseconds: 0, calls: 0 };
      taken.milliseconds += performance.now() - started;
      taken.calls += 1;
      this.#taken.set(name, taken);
    };
    const result = work();
    if (result instanceof Promise) return result.finally(done);
    done();
    return result;
  }
}
