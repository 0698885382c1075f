import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, open, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { backoff, until } from "../../lib/async.ts";
import { NetloomError } from "../../lib/errors.ts";
import type { ServiceState } from "../host.ts";
import { cgroupOf, killCgroup } from "./cgroup.ts";
import { directories, exists } from "./directories.ts";
import { type Backend, KILL_AFTER_MS } from "./index.ts";
import { livingProcess } from "./living-process.ts";

const POLL_MS = 500;
/** The pause before a process is started again: doubled by each end, from the first again after it ran for a while. */
const FIRST_MS = 1000;
const MOST_MS = 10_000;
const STABLE_MS = 30_000;
/** How large the file of what a service says becomes before it is put aside, and the one that was put aside before goes. */
const LOG_BYTES = 256 * 1024;

/** A service that this process keeps alive. */
interface Kept {
  /** Ended when the service is to be kept no more. */
  readonly stop: AbortController;
  /** Its process, when that was started here and not by an earlier daemon. */
  child: ChildProcess | undefined;
}

/**
 * No supervisor at all: the services are children of the daemon. They outlive it, since each leads a session of its own, and a daemon
 * that comes back adopts them by the process id and start time that their `run` wrote down. While no daemon is there, nobody starts
 * again what ends. What they say is in `output` of their directory.
 */
export class Direct implements Backend {
  readonly kind = "direct";
  readonly #services: string;
  readonly #kept: Map<string, Kept> = new Map<string, Kept>();
  #found = false;

  constructor(services: string) {
    this.#services = services;
  }

  async kept(): Promise<ReadonlySet<string>> {
    await this.#find();
    return new Set(this.#kept.keys());
  }

  async start(name: string): Promise<void> {
    await this.#find();
    await this.#end(name);
    await writeFile(this.#mark(name), "");
    this.#keep(name);
  }

  async stop(name: string): Promise<void> {
    await this.#find();
    await rm(this.#mark(name), { force: true });
    await this.#end(name);
  }

  async states(): Promise<readonly ServiceState[]> {
    await this.#find();
    return await Promise.all(
      [...this.#kept.keys()].map(async (name) => {
        const pid = await this.#pid(name);
        return { name, up: pid !== undefined, pid: pid ?? null };
      }),
    );
  }

  problems(): readonly string[] {
    return [];
  }

  /** Takes over what an earlier daemon kept. */
  async #find(): Promise<void> {
    if (this.#found) return;
    this.#found = true;
    for (const name of await directories(this.#services)) if (await exists(this.#mark(name))) this.#keep(name);
  }

  #keep(name: string): void {
    const kept: Kept = { stop: new AbortController(), child: undefined };
    this.#kept.set(name, kept);
    void this.#run(name, kept);
  }

  /** Keeps a process of a service alive until told otherwise. */
  async #run(name: string, kept: Kept): Promise<void> {
    const { signal } = kept.stop;
    for (let failures = 0; !signal.aborted;) {
      const began = performance.now();
      // One that lives was left by an earlier daemon.
      if ((await this.#pid(name)) === undefined) kept.child = await this.#spawn(name).catch(() => undefined);
      await this.#ended(name, kept);
      kept.child = undefined;
      failures = performance.now() - began > STABLE_MS ? 1 : failures + 1;
      await pause(backoff(failures, FIRST_MS, MOST_MS), signal);
    }
  }

  /** Starts the process of a service, as the leader of a session. */
  async #spawn(name: string): Promise<ChildProcess> {
    const directory = join(this.#services, name);
    const log = await open(join(directory, "output"), "a", 0o640);
    try {
      const child = spawn(join(directory, "run"), {
        cwd: "/",
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
        env: {},
      });
      // Neither it nor what it says may keep the daemon from ending.
      child.unref();
      child.on("error", () => undefined);
      return child;
    } finally {
      await log.close();
    }
  }

  /** Waits for the end of a service's process, and keeps its log short meanwhile. */
  async #ended(name: string, kept: Kept): Promise<void> {
    const { child, stop } = kept;
    const exited = child === undefined ? undefined : once(child, "exit").catch(() => undefined);
    for (;;) {
      if (stop.signal.aborted) return;
      const lives = child === undefined ? (await this.#pid(name)) !== undefined : isRunning(child);
      if (!lives) return;
      await shorten(join(this.#services, name, "output"));
      await Promise.race([pause(POLL_MS, stop.signal), ...(exited === undefined ? [] : [exited])]);
    }
  }

  /** Ends a service, by force when it does not obey. */
  async #end(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    kept?.stop.abort();
    const child = kept?.child;
    const begun = performance.now();
    let told = "";
    const gone = await until(
      async () => {
        // One that was started a moment ago has not written down yet who it is.
        const pid = child !== undefined && isRunning(child) ? child.pid : await this.#pid(name);
        if (pid === undefined) return true;
        const word = performance.now() - begun > KILL_AFTER_MS ? "SIGKILL" : "SIGTERM";
        if (told !== word) kill(-pid, word);
        told = word;
        return undefined;
      },
      { timeoutMs: 2 * KILL_AFTER_MS, intervalMs: 20 },
    );
    await killCgroup(cgroupOf(this.#services, name));
    if (gone !== undefined) return;
    throw new NetloomError({ code: "timeout", op: "end service", target: name, why: "it does not end when killed" });
  }

  #pid(name: string): Promise<number | undefined> {
    return livingProcess(join(this.#services, name));
  }

  #mark(name: string): string {
    return join(this.#services, name, "kept");
  }
}

/** True from the start of a child, if it did start, until its end was noticed. */
function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

/** A pause that keeps no process from ending, and ends early when the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
}

/** Puts what a log has aside once it is large; whoever writes to it goes on at its new end. */
async function shorten(log: string): Promise<void> {
  const size = (await stat(log).catch(() => undefined))?.size ?? 0;
  if (size < LOG_BYTES) return;
  await copyFile(log, `${log}.old`);
  await truncate(log);
}
