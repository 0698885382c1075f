import type { FailedStep, Host } from "../host/host.ts";
import { NetloomError } from "../lib/errors.ts";
import type { Step } from "../model/step.ts";
import { explain } from "../plan/explain.ts";

/** By this the binary that ships is told from the one that can be made to fail. */
export const FAULT_MARK = "netloom fault injection";

/** What shall go wrong with the n-th step that is taken since the daemon's start; the first one is 1. */
export type Fault =
  /** SIGKILL when that many steps are done; 0: before the first one. */
  | { readonly kind: "kill"; readonly after: number }
  /** Step `step` is not taken, and its executor says `code`. It works when it is tried again. */
  | { readonly kind: "fail"; readonly step: number; readonly code: string };

/** Reads "kill:3" or "fail:3:EBUSY". */
export function parseFault(text: string): Fault {
  const [, kill] = /^kill:(\d+)$/u.exec(text) ?? [];
  if (kill !== undefined) return { kind: "kill", after: Number(kill) };
  const [, step, code] = /^fail:(\d+):([A-Z][A-Z0-9]*)$/u.exec(text) ?? [];
  if (step !== undefined && code !== undefined) return { kind: "fail", step: Number(step), code };
  throw new Error(`${text} is no fault: kill:STEPS and fail:STEP:ERRNO are`);
}

/**
 * The host, with one fault in it. Only `execute` differs; everything else is the real one's, which keeps its own `this`.
 */
export function withFault(host: Host, fault: Fault): Host {
  let taken = 0;
  const execute = async (steps: readonly Step[]): Promise<readonly FailedStep[]> => {
    const at = (fault.kind === "kill" ? fault.after : fault.step - 1) - taken;
    taken += steps.length;
    if (at < 0 || at >= steps.length + (fault.kind === "kill" ? 1 : 0)) return await host.execute(steps);
    const before = await host.execute(steps.slice(0, at));
    if (fault.kind === "kill") {
      process.stdout.write(`${FAULT_MARK}: killed after ${fault.after} steps\n`);
      process.kill(process.pid, "SIGKILL");
      // The signal is on its way, and nothing of ours may happen until it is here.
      await new Promise(() => undefined);
    }
    const [step, ...after] = steps.slice(at);
    const rest = await host.execute(after);
    if (step === undefined || fault.kind === "kill") return [...before, ...rest];
    const why = `${FAULT_MARK}: step ${fault.step} fails`;
    const error = new NetloomError({ code: fault.code, op: step.op, target: explain(step), why });
    return [...before, { step, error }, ...rest];
  };
  return new Proxy(host, {
    get: (target, name) => {
      if (name === "execute") return execute;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}
