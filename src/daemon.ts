import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { claimSocket } from "./api/http.ts";
import { Service } from "./api/service.ts";
import { isLocal, readConfig } from "./engine/boot-config.ts";
import { daemonWords, type DaemonArguments } from "./cli/daemon-options.ts";
import { Allocations } from "./engine/allocations.ts";
import { Engine } from "./engine/engine.ts";
import { Guard } from "./engine/guard.ts";
import { Layers, type BootFile, type ReportProblem } from "./engine/layers.ts";
import { NodeState } from "./engine/node-state.ts";
import { selfStatus } from "./engine/self-status.ts";
import { DocumentStore } from "./engine/store.ts";
import { readYamlFiles } from "./engine/yaml-files.ts";
import { startDetached } from "./host/detached.ts";
import type { Host } from "./host/host.ts";
import { whereKept } from "./host/kept.ts";
import { LinuxHost, type LinuxHostOptions } from "./host/linux-host.ts";
import { backoff } from "./lib/async.ts";
import { removeTemporaries } from "./lib/atomic-file.ts";
import { describeError, NetloomError } from "./lib/errors.ts";
import { createLog } from "./lib/log.ts";
import { rejectionText, type ConfigSource } from "./model/boot-flags.ts";
import { madeLinks } from "./plan/flag-links.ts";
import { parseCommandLine } from "./plan/cmdline/parse-command-line.ts";
import { VERSION } from "./version.ts";

const RETRY_MS = 30_000;

/** What differs from the usual daemon. */
export interface Running {
  /** Opens what the daemon works on: the Linux under it, unless a test puts something between. */
  readonly openHost?: (options: LinuxHostOptions) => Promise<Host>;
  /** Told after the first pass: for tests and measurements of what no client can ask for. */
  readonly started?: (engine: Engine) => void;
  /** End after the first pass. */
  readonly once?: boolean;
}

/** Runs the daemon until `signal` aborts. What it made stays: networks outlive their daemon. */
export async function runDaemon(
  options: DaemonArguments,
  signal: AbortSignal,
  { openHost = (places) => LinuxHost.open(places), started, once = false }: Running = {},
): Promise<void> {
  const log = createLog(options.logLevel);
  const problems = new Map<string, string>();
  const report = (topic: string, problem: string | undefined): void => {
    if (problem === undefined) problems.delete(topic);
    else if (problems.get(topic) !== problem) {
      problems.set(topic, problem);
      log.warn(problem);
    }
  };
  await makeDirectory(options.root, 0o700);
  await makeDirectory(options.runtime, 0o755);
  // Before anything is read: another daemon may be about to change it, such as one that takes a change back and ends.
  await using socket = await claimSocket(options.socket);
  // Left by a daemon that was killed while it wrote; no other one writes there now, and we do not yet.
  for (const directory of [options.root, options.runtime]) await removeTemporaries(directory);

  const { flags, rejected } = parseCommandLine(options.cmdline ?? (await readFile("/proc/cmdline", "utf8")));
  const announce = (line: string): void => void writeSync(1, `${line}\n`);
  await using host = await openHost({
    keys: join(options.root, "keys"),
    runtimeDir: options.runtime,
    scanDir: options.services,
    madeLinks: madeLinks(flags),
    onNewKey: (resource, publicKey) => announce(`netloom: key of ${resource} is new: ${publicKey}`),
    supervisor: options.supervisor ?? flags.supervisor,
  });
  const state = await NodeState.open(options.root, options.runtime, announce);
  const store = new DocumentStore(join(options.root, "documents"));
  const allocations = new Allocations(join(options.root, "allocations"));
  const damaged = [...host.problems, ...state.problems, ...(await store.load()), ...(await allocations.load())];
  for (const problem of damaged) report(problem, problem);

  const layers = new Layers({ store, keys: host.keys, report });
  const { files, problems: unread } = await readYamlFiles(options.config);
  for (const problem of unread) report(problem, problem);
  await layers.setConfig(files);
  for (const [at, word] of rejected.entries())
    report(`kernel word ${at}`, `kernel command line: ${rejectionText(word)}`);
  const boot: BootFile[] = [];
  for (const source of flags.configs.filter(isLocal)) await load(source, boot, report);
  await layers.setBoot(boot);

  const { guard, problems: unguarded } = await Guard.open({
    root: options.root,
    host,
    store,
    log,
    seconds: options.guardSeconds,
    startDetached: () => startDetached(["guard", ...daemonWords(options)]),
  });
  using _guard = guard;
  for (const problem of unguarded) report(problem, problem);

  await using engine = new Engine({
    host,
    store,
    allocations,
    state,
    guard,
    log,
    runtimeDir: options.runtime,
    stateDir: options.root,
    appliance: options.appliance,
    flags,
  });
  const kept = whereKept(options.root, options.appliance);
  const service = new Service({
    engine,
    state,
    version: VERSION,
    supervisor: () => host.supervisor(),
    problems: () => [...problems.values()],
    self: () => selfStatus({ host, engine, state, kept, appliance: options.appliance }),
  });
  await using _serving = socket.serve(service);
  log.info({ version: VERSION, root: options.root, socket: options.socket }, "daemon started");
  await engine.start();
  started?.(engine);
  if (once) return;
  // Else a client that waits for its verdict would hold up the end.
  signal.addEventListener("abort", () => guard[Symbol.dispose](), { once: true });
  await loadRemote(
    flags.configs.filter((source) => !isLocal(source)),
    { boot, engine, state, layers, report, signal },
  );
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  log.info("daemon stops; networks stay as they are");
}

/** Makes a directory of a mode, which one that is there gets too. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
    await chmod(path, mode);
  } catch (error) {
    throw new NetloomError({
      code: "failed",
      op: "make the directory",
      target: path,
      why: describeError(error),
      hint: "give --root and --runtime places that can be written",
      cause: error,
    });
  }
}

async function load(
  source: ConfigSource,
  into: BootFile[],
  report: ReportProblem,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    into.push({ source, file: await readConfig(source, signal) });
    report(source.word, undefined);
    return true;
  } catch (error) {
    if (signal?.aborted !== true) report(source.word, describeError(error));
    return false;
  }
}

interface RemoteContext {
  readonly boot: BootFile[];
  readonly engine: Engine;
  readonly state: NodeState;
  readonly layers: Layers;
  readonly report: ReportProblem;
  readonly signal: AbortSignal;
}

/** Fetches configurations by URL once the node is online, and tries again for ever. */
async function loadRemote(
  sources: readonly ConfigSource[],
  { boot, engine, state, layers, report, signal }: RemoteContext,
): Promise<void> {
  const pending = new Set(sources);
  for (let round = 1; pending.size > 0 && !signal.aborted;) {
    if (!state.online) {
      await engine.nextPass(signal).catch(() => undefined);
      continue;
    }
    for (const source of pending) if (await load(source, boot, report, signal)) pending.delete(source);
    await layers.setBoot(boot);
    engine.wake();
    if (pending.size > 0) await delay(backoff(round, 1000, RETRY_MS), undefined, { signal }).catch(() => undefined);
    round += 1;
  }
}
