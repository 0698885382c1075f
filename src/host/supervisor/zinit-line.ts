import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import * as v from "valibot";
import { parse, stringify } from "yaml";
import { until } from "../../lib/async.ts";
import { readIfExists, writeFileAtomic } from "../../lib/atomic-file.ts";
import { NetloomError, errorCode, isGone } from "../../lib/errors.ts";
import type { ServiceState } from "../host.ts";
import { type Backend, KILL_AFTER_MS, STOP_TIMEOUT_MS } from "./index.ts";
import { nameTaken } from "./services.ts";
import { talk } from "./socket-talk.ts";
import { unitName } from "./unit-name.ts";

export interface ZinitLinePlaces {
  readonly socket: string;
  /** Our service directories. */
  readonly services: string;
  /** Where zinit reads its units, one YAML file each. */
  readonly units: string;
}

const ANSWER_MS = 5000;

const Answer = v.object({ state: v.picklist(["ok", "error"]), body: v.unknown() });
const List = v.record(v.string(), v.string());
const Unit = v.object({ pid: v.number(), target: v.string(), state: v.string() });
const UnitFile = v.object({ exec: v.string() });

/**
 * zinit up to 0.2.14, which deployed nodes run: one line a connection, one JSON object back. A unit is a file that `monitor` loads and
 * starts. `start` is never used: on a unit that was forgotten and loaded again it can make a second process.
 */
export class ZinitLine implements Backend {
  readonly kind = "zinit-line";
  readonly #places: ZinitLinePlaces;

  constructor(places: ZinitLinePlaces) {
    this.#places = places;
  }

  async kept(): Promise<ReadonlySet<string>> {
    const units = await this.#ours();
    const known = v.parse(List, await this.#ask("list"));
    return new Set([...units].filter(([, unit]) => unit in known).map(([name]) => name));
  }

  async start(name: string): Promise<void> {
    const unit = unitName(name);
    const file = this.#file(unit);
    const program = this.#program(name);
    const found = await execOf(file);
    const isTaken = found === undefined ? (await this.#status(unit)) !== undefined : found !== program;
    if (isTaken) throw nameTaken(name, `zinit has a service ${unit} that is not Netloom's`);
    await this.#forget(unit);
    await writeFileAtomic(file, stringify({ exec: program }));
    await this.#ask(`monitor ${unit}`);
  }

  async stop(name: string): Promise<void> {
    const unit = unitName(name);
    if ((await execOf(this.#file(unit))) !== this.#program(name)) return;
    await this.#forget(unit);
    await rm(this.#file(unit), { force: true });
  }

  async states(): Promise<readonly ServiceState[]> {
    const ours = await this.#ours();
    const states = await Promise.all(
      [...ours].map(async ([name, unit]): Promise<readonly ServiceState[]> => {
        const status = await this.#status(unit);
        if (status === undefined) return [];
        return [{ name, up: status.pid > 0, pid: status.pid > 0 ? status.pid : null }];
      }),
    );
    return states.flat();
  }

  problems(): readonly string[] {
    return [];
  }

  #program(name: string): string {
    return join(this.#places.services, name, "run");
  }

  #file(unit: string): string {
    return join(this.#places.units, `${unit}.yaml`);
  }

  /** Our services by name, with the names of their units: those whose file says so. */
  async #ours(): Promise<ReadonlyMap<string, string>> {
    const names = await readdir(this.#places.units).catch((error: unknown) => {
      if (isGone(error)) return [];
      throw error;
    });
    const found = await Promise.all(
      names
        .filter((file) => file.endsWith(".yaml"))
        .map(async (file) => {
          const program = (await execOf(join(this.#places.units, file))) ?? "";
          const name = program.slice(this.#places.services.length + 1).split("/", 1)[0] ?? "";
          return name !== "" && program === this.#program(name)
            ? ([name, basename(file, ".yaml")] as const)
            : undefined;
        }),
    );
    return new Map(found.filter((entry) => entry !== undefined));
  }

  async #status(unit: string): Promise<v.InferOutput<typeof Unit> | undefined> {
    const body = await this.#askUnlessGone(`status ${unit}`);
    return body === undefined ? undefined : v.parse(Unit, body);
  }

  /** Stops a unit, by force when it does not obey, and has zinit forget it: it forgets nothing that runs. */
  async #forget(unit: string): Promise<void> {
    let asked = 0;
    const forgotten = await until(
      async () => {
        const status = await this.#status(unit);
        if (status === undefined) return true;
        if (status.target !== "Down") {
          asked = performance.now();
          await this.#askUnlessGone(`stop ${unit}`);
        } else if (status.pid === 0) await this.#askUnlessGone(`forget ${unit}`);
        else if (performance.now() - asked > KILL_AFTER_MS) await this.#kill(unit);
        return undefined;
      },
      { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 30 },
    );
    if (forgotten !== undefined) return;
    const why = `zinit has not stopped it within ${STOP_TIMEOUT_MS / 1000} s`;
    throw new NetloomError({ code: "timeout", op: "stop service", target: unit, why });
  }

  /** One that ended meanwhile is down, which is what was wanted. */
  async #kill(unit: string): Promise<void> {
    await this.#ask(`kill ${unit} SIGKILL`).catch((error: unknown) => {
      if (!(error instanceof NetloomError) || error.code !== "failed") throw error;
    });
  }

  async #askUnlessGone(line: string): Promise<unknown> {
    return await this.#ask(line).catch((error: unknown) => {
      if (errorCode(error) === "not-found") return undefined;
      throw error;
    });
  }

  #ask(line: string): Promise<unknown> {
    return ask(this.#places.socket, line);
  }
}

/** True when a zinit that speaks lines answers at a socket. */
export async function isZinitLine(socket: string): Promise<boolean> {
  return await ask(socket, "list").then(
    () => true,
    () => false,
  );
}

async function ask(socket: string, line: string): Promise<unknown> {
  const text = await talk({ socket, say: `${line}\n`, timeoutMs: ANSWER_MS });
  const { state, body } = v.parse(Answer, JSON.parse(text));
  if (state === "ok") return body;
  const why = typeof body === "string" ? body : JSON.stringify(body);
  throw new NetloomError({
    code: /^service name ".*" unknown$/u.test(why) ? "not-found" : "failed",
    op: `say '${line}' to`,
    target: `zinit at ${socket}`,
    why,
  });
}

/** What a unit's file says to run; undefined when there is none, or none that zinit could load. */
async function execOf(file: string): Promise<string | undefined> {
  const text = await readIfExists(file);
  if (text === undefined) return undefined;
  try {
    const parsed = v.safeParse(UnitFile, parse(text));
    return parsed.success ? parsed.output.exec : "";
  } catch {
    // Somebody's damaged file: not ours.
    return "";
  }
}
