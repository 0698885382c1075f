import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseDaemonArguments } from "../../src/cli/daemon-options.ts";
import { runDaemon } from "../../src/daemon.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Dirty, Host } from "../../src/host/host.ts";
import { LinuxHost } from "../../src/host/linux-host.ts";
import type { Document } from "../../src/model/document.ts";
import type { ChangeReport } from "../../src/model/report.ts";
import { yaml } from "../../src/testing/yaml.ts";
import { Phases } from "./phases.ts";

/** Events of the kernel that are still on their way come within this time. */
const CALM_MS = 1500;

/** The daemon in this process, on this kernel. What it made stays in the kernel, as it does for every daemon. */
export class RunningEngine implements AsyncDisposable {
  readonly engine: Engine;
  /** Where its time goes. */
  readonly phases: Phases;
  readonly #dir: string;
  readonly #mark: (dirty: Dirty) => void;
  readonly #stop: () => Promise<void>;
  #ownsFiles = true;

  private constructor(
    engine: Engine,
    phases: Phases,
    dir: string,
    mark: (dirty: Dirty) => void,
    stop: () => Promise<void>,
  ) {
    this.engine = engine;
    this.phases = phases;
    this.#dir = dir;
    this.#mark = mark;
    this.#stop = stop;
  }

  /** Starts on fresh state in `place`, which is in memory unless told otherwise. */
  static async open(place = "/run"): Promise<RunningEngine> {
    const dir = await mkdtemp(join(place, "netloom-bench-"));
    await mkdir(join(dir, "services"));
    return await RunningEngine.#start(dir);
  }

  /** The next daemon, on the state of this one, which has stopped. */
  async again(): Promise<RunningEngine> {
    this.#ownsFiles = false;
    return await RunningEngine.#start(this.#dir);
  }

  static async #start(dir: string): Promise<RunningEngine> {
    const places = ["root", "runtime", "services", "config", "socket"].map((name) => [name, join(dir, name)] as const);
    const words = [...places, ["cmdline", "quiet"], ["log-level", "silent"]] as const;
    const options = parseDaemonArguments(
      words.flatMap(([name, value]) => [`--${name}`, value]),
      {},
    );
    const stop = new AbortController();
    const phases = new Phases();
    const started = Promise.withResolvers<Engine>();
    let mark: (dirty: Dirty) => void = () => undefined;
    const openHost = async (opened: Parameters<typeof LinuxHost.open>[0]): Promise<Host> =>
      phases.watch(await LinuxHost.open(opened), (onDirty) => (mark = onDirty));
    const ended = runDaemon(options, stop.signal, { openHost, started: started.resolve });
    ended.catch(started.reject);
    const engine = await started.promise;
    return new RunningEngine(engine, phases, dir, mark, async () => {
      stop.abort();
      await ended;
    });
  }

  /** Applies documents. @throws unless all that they want is there */
  async apply(...documents: readonly Document[]): Promise<ChangeReport> {
    return succeeded(await this.engine.apply([{ name: "bench", text: yaml(...documents) }]));
  }

  async delete(document: Document): Promise<void> {
    succeeded(await this.engine.delete(document.kind, document.name));
  }

  /** A pass; it looks at what changed. */
  async pass(): Promise<void> {
    const done = this.engine.nextPass(new AbortController().signal);
    this.engine.wake();
    await done;
  }

  /** A pass that looks at everything, as after an event that was lost. */
  async sweep(): Promise<void> {
    this.#mark({ everything: true, netns: new Set(), topics: new Set(), actors: [] });
    await this.pass();
  }

  /** Waits until no pass was made for a while: what is measured next does not wait for what events of the last thing brought on. */
  async calm(milliseconds: number = CALM_MS): Promise<void> {
    for (let seen = -1; seen !== this.engine.view.total;) {
      seen = this.engine.view.total;
      await delay(milliseconds);
    }
  }

  /** Stops the daemon and leaves its files. */
  async stop(): Promise<void> {
    await this.#stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    if (this.#ownsFiles) await rm(this.#dir, { recursive: true });
  }
}

function succeeded(report: ChangeReport): ChangeReport {
  if (report.outcome === "failed") throw new Error(JSON.stringify({ ...report, steps: report.steps.length }));
  return report;
}
