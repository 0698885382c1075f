import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { until } from "../../lib/async.ts";
import { readIfExists, writeFileAtomic } from "../../lib/atomic-file.ts";
import { NetloomError, errorCode } from "../../lib/errors.ts";
import { uptime } from "../../lib/uptime.ts";
import type { ServiceState } from "../host.ts";
import { directories, exists } from "./directories.ts";
import { type Backend, KILL_AFTER_MS, STOP_TIMEOUT_MS } from "./index.ts";
import { quote } from "./run-script.ts";
import { nameTaken } from "./services.ts";
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
const Kept = v.object({ path: v.string() });
const Unit = v.object({ state: v.string(), pid: v.number() });

/** States in which nothing of a service runs (sdk/state.rs); one that failed is about to be started again. */
const STOPPED: ReadonlySet<string> = new Set(["inactive", "blocked", "exited"]);
/** The pause before a service that ended is started again. */
const RESTART_MS = 1000;
/** How long after a service failed it may still be started by what was planned then. */
const LATE_MS = RESTART_MS + 300;

/**
 * zinit 0.3 by JSON-RPC 2.0, a line each, over its unix socket. Of 0.3.9 not every call is safe. `set` on a name that exists wedges the
 * server for good. `delete` gives the place of what it removed to the service that was added last, whose end then counts as the end of
 * another: one would be started twice, the other never again. A `stop` while a restart is planned does not cancel it. A shell that does
 * not `exec` dies instead of its service. And a `stop` takes along what depends on it.
 *
 * So a unit is set once and never deleted. It runs a program that becomes the service, or rests when there is none; what is removed is
 * stopped, and its unit file goes, so that the next start of the server knows nothing of it. No unit depends on another.
 */
export class Zinit implements Backend {
  readonly kind = "zinit";
  readonly #places: ZinitPlaces;
  readonly #shim: string;
  /** When a unit was found failed: by then a restart is planned that `stop` does not cancel. */
  readonly #failed: Map<string, number> = new Map<string, number>();
  /** What was wrong with the server last, and when, in seconds since the kernel's start. */
  #problem: { readonly text: string; readonly at: number } | undefined;

  constructor(places: ZinitPlaces) {
    this.#places = places;
    this.#shim = join(dirname(places.services), "run-service");
  }

  async kept(): Promise<ReadonlySet<string>> {
    const units = new Set(v.parse(Names, await this.#call("service.list", {})));
    const names = await directories(this.#places.services);
    // The mark is made when a unit of ours is, so that not each has to be asked for.
    const kept = await Promise.all(names.map((name) => exists(this.#mark(name))));
    return new Set(names.filter((name, index) => kept[index] === true && units.has(unitName(name))));
  }

  async start(name: string): Promise<void> {
    const unit = unitName(name);
    const found = await this.#exec(unit);
    if (found !== undefined && found !== this.#command(name))
      throw nameTaken(name, `zinit has a service ${unit} that is not Netloom's`);
    await writeFileAtomic(this.#shim, shimText(this.#places.services), 0o755);
    if (found !== undefined) await this.#end(unit);
    await writeFileAtomic(this.#mark(name), "");
    if (found !== undefined) return await this.#begin(unit);
    const set = await this.#call("service.set", { config: unitConfig(unit, this.#command(name)) });
    await writeFileAtomic(this.#unitFile(name), `${v.parse(Kept, set).path}\n`);
  }

  async stop(name: string): Promise<void> {
    const unit = unitName(name);
    await rm(this.#mark(name), { force: true });
    if ((await this.#exec(unit)) !== this.#command(name)) return;
    await this.#end(unit);
    const file = (await readIfExists(this.#unitFile(name)))?.trim();
    if (file !== undefined) await rm(file, { force: true });
  }

  async states(): Promise<readonly ServiceState[]> {
    return await Promise.all(
      [...(await this.kept())].map(async (name) => {
        const { state, pid } = await this.#status(unitName(name));
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
    // A bare `exec` is refused by zinit, which looks for the first word on the disk.
    return `/bin/true && exec ${quote(this.#shim)} ${quote(name)}`;
  }

  #mark(name: string): string {
    return join(this.#places.services, name, "kept");
  }

  /** Where we keep where zinit keeps the unit. */
  #unitFile(name: string): string {
    return join(this.#places.services, name, "unit");
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

  /** Has a unit that is stopped run. */
  async #begin(unit: string): Promise<void> {
    const began = await until(
      async () => {
        const { state } = await this.#status(unit);
        if (state === "running" || state === "starting") return true;
        if (state === "failed") this.#failed.set(unit, performance.now());
        await this.#callUnlessGone("service.start", { name: unit });
        return undefined;
      },
      { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 30 },
    );
    if (began === undefined) throw late("start", unit);
  }

  /** Stops a unit and waits until it stays stopped. */
  async #end(unit: string): Promise<void> {
    const ended = await until(
      async () => {
        const { state } = await this.#status(unit);
        if (state === "failed") this.#failed.set(unit, performance.now());
        const failedAt = this.#failed.get(unit);
        if (STOPPED.has(state)) return failedAt === undefined || performance.now() - failedAt > LATE_MS || undefined;
        // More than once: what was just being started did not hear the first.
        if (state !== "stopping") await this.#callUnlessGone("service.stop", { name: unit });
        return undefined;
      },
      { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 30 },
    );
    if (ended === undefined) throw late("stop", unit);
    this.#failed.delete(unit);
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

/** The program of all units: it becomes the service, or rests when that is gone and its unit was started all the same. */
function shimText(services: string): string {
  return `#!/bin/sh
[ -e ${quote(services)}/"$1/kept" ] && exec ${quote(services)}/"$1/run"
exec sleep 2147483647
`;
}

/** zinit's defaults give a service up after ten restarts, or let it rest when it ends with 0, and wait for up to five minutes. */
function unitConfig(name: string, exec: string): unknown {
  return {
    service: { name, exec },
    lifecycle: {
      restart: "always",
      max_restarts: 0,
      restart_delay_ms: RESTART_MS,
      restart_delay_max_ms: RESTART_MS,
      stop_timeout_ms: KILL_AFTER_MS,
    },
  };
}

function late(op: "start" | "stop", unit: string): NetloomError {
  const why = `zinit has not done it within ${STOP_TIMEOUT_MS / 1000} s`;
  return new NetloomError({ code: "timeout", op: `${op} service`, target: unit, why });
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
