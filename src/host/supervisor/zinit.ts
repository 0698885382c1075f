import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { until } from "../../lib/async.ts";
import { NetloomError, errorCode } from "../../lib/errors.ts";
import { uptime } from "../../lib/uptime.ts";
import type { ServiceState } from "../host.ts";
import { type Backend, KILL_AFTER_MS, STOP_TIMEOUT_MS } from "./index.ts";
import { talk } from "./socket-talk.ts";
import { unitName } from "./unit-name.ts";

export interface ZinitPlaces {
  readonly socket: string;
  /** Our service directories. */
  readonly services: string;
  /** Where whoever started the server for us wrote its process id; without it a wedged server is only told of. */
  readonly pidFile: string;
}

/** A server that works answers a list of a thousand services within some milliseconds. */
const ANSWER_MS = 5000;
/** How long a server that was wedged is told of in status. */
const TOLD_SECONDS = 600;
/** JSON-RPC's and zinit's own codes (error_codes of the crate's sdk/protocol.rs). */
const NOT_FOUND: ReadonlySet<number> = new Set([-32000, -32603]);

const Response = v.object({
  jsonrpc: v.literal("2.0"),
  result: v.optional(v.unknown()),
  error: v.optional(v.object({ code: v.number(), message: v.string(), data: v.optional(v.unknown()) })),
});
const Names = v.array(v.string());
const Config = v.object({ service: v.optional(v.object({ exec: v.string() })) });
const Unit = v.object({ state: v.string(), pid: v.number() });

/** States in which nothing of a service runs (sdk/state.rs). */
const STOPPED: ReadonlySet<string> = new Set(["inactive", "blocked", "exited", "failed"]);

/**
 * zinit 0.3 by JSON-RPC 2.0, a line each, over its unix socket. Of 0.3.9 only these calls are safe: `set` on a name that exists
 * wedges the server for good, `delete` of a service that runs blocks it for five seconds, and a shell that does not `exec` dies
 * instead of the service. So a service is stopped, waited for, deleted and set, and its command line leaves no shell behind. No unit
 * depends on another: a `stop` or `delete` would take what depends on it along.
 */
export class Zinit implements Backend {
  readonly kind = "zinit";
  readonly #places: ZinitPlaces;
  /** What was wrong with the server last, and when, in seconds since the kernel's start. */
  #problem: { readonly text: string; readonly at: number } | undefined;

  constructor(places: ZinitPlaces) {
    this.#places = places;
  }

  async kept(): Promise<ReadonlySet<string>> {
    return new Set((await this.#ours()).keys());
  }

  async start(name: string): Promise<void> {
    const unit = unitName(name);
    const found = await this.#exec(unit);
    if (found !== undefined && found !== this.#command(name)) {
      const why = `zinit has a service ${unit} that is not Netloom's`;
      throw new NetloomError({
        code: "refused",
        op: "register service",
        target: name,
        why,
        hint: "rename the other service",
      });
    }
    if (found !== undefined) await this.#forget(unit);
    await this.#call("service.set", { config: unitConfig(unit, this.#command(name)) });
  }

  async stop(name: string): Promise<void> {
    const unit = unitName(name);
    if ((await this.#exec(unit)) === this.#command(name)) await this.#forget(unit);
  }

  async states(): Promise<readonly ServiceState[]> {
    const ours = await this.#ours();
    return await Promise.all(
      [...ours].map(async ([name, unit]) => {
        const { state, pid } = await this.#status(unit);
        const up = !STOPPED.has(state) && pid > 0;
        return { name, up, pid: up ? pid : null };
      }),
    );
  }

  problems(): readonly string[] {
    if (this.#problem === undefined || uptime() - this.#problem.at > TOLD_SECONDS) return [];
    return [this.#problem.text];
  }

  /** What zinit runs for a service: ours is told from a stranger's by it. */
  #command(name: string): string {
    return commandOf(join(this.#places.services, name, "run"));
  }

  /** Our services by name, with the names of their units. */
  async #ours(): Promise<ReadonlyMap<string, string>> {
    const units = v.parse(Names, await this.#call("service.list", {}));
    const [before = "", after = ""] = this.#command("\0").split("\0");
    const found = await Promise.all(
      units.map(async (unit) => {
        const exec = (await this.#exec(unit)) ?? "";
        if (!exec.startsWith(before) || !exec.endsWith(after)) return undefined;
        return [exec.slice(before.length, exec.length - after.length), unit] as const;
      }),
    );
    return new Map(found.filter((entry) => entry !== undefined));
  }

  async #exec(unit: string): Promise<string | undefined> {
    const config = await this.#callUnlessGone("service.get", { name: unit });
    return config === undefined ? undefined : v.parse(Config, config).service?.exec;
  }

  async #status(unit: string): Promise<v.InferOutput<typeof Unit>> {
    return v.parse(
      Unit,
      (await this.#callUnlessGone("service.status", { name: unit })) ?? { state: "inactive", pid: 0 },
    );
  }

  /** Stops a service and deletes it. A `stop` during the delay before a restart does not end that; the `delete` does. */
  async #forget(unit: string): Promise<void> {
    const stopped = await until(
      async () => {
        const { state } = await this.#status(unit);
        if (STOPPED.has(state)) return true;
        // More than once: what was just being started did not hear the first.
        if (state !== "stopping") await this.#callUnlessGone("service.stop", { name: unit });
        return undefined;
      },
      { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 30 },
    );
    if (stopped === undefined) {
      const why = `zinit has not stopped it within ${STOP_TIMEOUT_MS / 1000} s`;
      throw new NetloomError({ code: "timeout", op: "stop service", target: unit, why });
    }
    await this.#callUnlessGone("service.stop", { name: unit });
    await this.#callUnlessGone("service.delete", { name: unit });
  }

  /** A call that is done when there is no such service. */
  async #callUnlessGone(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
    return await this.#call(method, params).catch((error: unknown) => {
      if (errorCode(error) === "not-found") return undefined;
      throw error;
    });
  }

  async #call(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
    try {
      return await call(this.#places.socket, method, params);
    } catch (error) {
      if (errorCode(error) === "timeout") await this.#judge();
      throw error;
    }
  }

  /**
   * A server in which a `set` met another call answers `system.ping` for ever and nothing else. Who started it for us starts it again
   * when it ends; its services are then ended and started by their own `run`.
   */
  async #judge(): Promise<void> {
    const { socket, pidFile } = this.#places;
    const [pings, lists] = await Promise.allSettled([
      call(socket, "system.ping", {}),
      call(socket, "service.list", {}),
    ]);
    if (pings.status === "rejected" || lists.status === "fulfilled") return;
    const at = uptime();
    const wedged = `zinit-server was wedged ${at.toFixed(0)} s after the kernel's start: it answered system.ping and no call about services`;
    const pid = await serverPid(pidFile);
    this.#problem = {
      at,
      text: `${wedged}; ${pid === undefined ? "restart it" : "it was killed, to be started again"}`,
    };
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }
}

/** True when a zinit 0.3 answers at a socket. */
export async function isZinit(socket: string): Promise<boolean> {
  return await call(socket, "system.ping", {}).then(
    () => true,
    () => false,
  );
}

/** A bare `exec` is refused by zinit, which looks for the first word on the disk; without any the shell stays as what gets signals. */
function commandOf(run: string): string {
  return `/bin/true && exec '${run}'`;
}

/** zinit's defaults give a service up after ten restarts, or let it rest when it ends with 0. */
function unitConfig(name: string, exec: string): unknown {
  return {
    service: { name, exec },
    lifecycle: {
      restart: "always",
      max_restarts: 0,
      restart_delay_ms: 1000,
      restart_delay_max_ms: 10_000,
      stop_timeout_ms: KILL_AFTER_MS,
    },
  };
}

async function call(socket: string, method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
  // Only a number is taken as an id.
  const say = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })}\n`;
  const line = await talk({ socket, say, isWhole: (heard) => heard.endsWith("\n"), timeoutMs: ANSWER_MS });
  const { result, error } = v.parse(Response, JSON.parse(line));
  if (error === undefined) return result;
  const gone = NOT_FOUND.has(error.code) && /not found/iu.test(error.message);
  const detail = error.data === undefined ? "" : ` ${JSON.stringify(error.data)}`;
  throw new NetloomError({
    code: gone ? "not-found" : "failed",
    op: `call ${method} of`,
    target: `zinit at ${socket}`,
    why: `${error.message}${detail} (${error.code})`,
  });
}

/** The process of a server that was started for us, if the number is still its. */
async function serverPid(pidFile: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(pidFile, "utf8")).trim());
    const name = (await readFile(`/proc/${pid}/comm`, "utf8")).trim();
    return Number.isSafeInteger(pid) && pid > 1 && name === "zinit-server" ? pid : undefined;
  } catch {
    return undefined;
  }
}
