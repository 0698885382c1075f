import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { serveHttp } from "./api/http.ts";
import { Service } from "./api/service.ts";
import { isLocal, readConfig } from "./engine/boot-config.ts";
import { Engine } from "./engine/engine.ts";
import { NodeState } from "./engine/node-state.ts";
import { DocumentStore, readYamlFiles } from "./engine/store.ts";
import { LinuxHost } from "./host/linux-host.ts";
import { backoff } from "./lib/async.ts";
import { describeError } from "./lib/errors.ts";
import { createLog } from "./lib/log.ts";
import type { Document } from "./model/document.ts";
import { formatIssue } from "./model/report.ts";
import { parseBootWords, type ConfigSource } from "./plan/boot-words.ts";
import { parseDocuments, type SourceFile } from "./plan/parse-documents.ts";
import { VERSION } from "./version.ts";

export interface DaemonOptions {
  /** State that outlives a reboot: documents, keys, the chosen uplink. */
  readonly root: string;
  /** Directory of YAML files that always hold. */
  readonly config: string;
  readonly socket: string;
  /** State of this boot: services, leases, records. */
  readonly runtime: string;
  /** Directory that s6-svscan watches. */
  readonly services: string;
  /** The kernel command line, or undefined to read /proc/cmdline. */
  readonly cmdline: string | undefined;
  /** Run a time client of our own. */
  readonly keepsClock: boolean;
  readonly logLevel: string;
}

const RETRY_MS = 30_000;

/** Runs the daemon until `signal` aborts. What it made stays: networks outlive their daemon. */
export async function runDaemon(options: DaemonOptions, signal: AbortSignal): Promise<void> {
  const log = createLog(options.logLevel);
  const problems = new Map<string, string>();
  const report = (topic: string, problem: string | undefined): void => {
    if (problem === undefined) problems.delete(topic);
    else if (problems.get(topic) !== problem) {
      problems.set(topic, problem);
      log.warn(problem);
    }
  };
  await mkdir(options.root, { recursive: true, mode: 0o700 });
  await mkdir(options.runtime, { recursive: true, mode: 0o755 });

  await using host = await LinuxHost.open({
    keys: join(options.root, "keys"),
    runtimeDir: options.runtime,
    scanDir: options.services,
  });
  const state = await NodeState.open(options.root, (line) => writeSync(1, `${line}\n`));
  const store = new DocumentStore(join(options.root, "documents"));
  for (const problem of await store.load()) report(problem, problem);

  const { files } = await readYamlFiles(options.config);
  store.setLayer("config", accept(files, report));
  const words = parseBootWords(options.cmdline ?? (await readFile("/proc/cmdline", "utf8")));
  for (const { word, reason } of words.rejected) report(word, `kernel command line: ${word} rejected: ${reason}`);
  const boot: SourceFile[] = [];
  for (const source of words.configs.filter(isLocal)) await load(source, boot, report);
  store.setLayer("boot", accept(boot, report));

  await using engine = new Engine({
    host,
    store,
    state,
    log,
    runtimeDir: options.runtime,
    stateDir: options.root,
    keepsClock: options.keepsClock,
  });
  const service = new Service({ engine, state, version: VERSION, problems: () => [...problems.values()] });
  await using _server = await serveHttp(service, options.socket);
  log.info({ version: VERSION, root: options.root, socket: options.socket }, "daemon started");
  await engine.start();
  await loadRemote(
    words.configs.filter((source) => !isLocal(source)),
    { boot, engine, state, store, report, signal },
  );
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  log.info("daemon stops; networks stay as they are");
}

type ReportProblem = (topic: string, problem: string | undefined) => void;

/** Parses texts and keeps what is good; what is not is reported and the node goes on without it. */
function accept(files: readonly SourceFile[], report: ReportProblem): readonly Document[] {
  const { documents, issues } = parseDocuments(files);
  for (const issue of issues) report(formatIssue(issue), formatIssue(issue));
  return documents;
}

async function load(source: ConfigSource, into: SourceFile[], report: ReportProblem): Promise<boolean> {
  try {
    into.push(await readConfig(source));
    report(source.word, undefined);
    return true;
  } catch (error) {
    report(source.word, describeError(error));
    return false;
  }
}

interface RemoteContext {
  readonly boot: SourceFile[];
  readonly engine: Engine;
  readonly state: NodeState;
  readonly store: DocumentStore;
  readonly report: ReportProblem;
  readonly signal: AbortSignal;
}

/** Fetches configurations by URL once the node is online, and tries again for ever. */
async function loadRemote(
  sources: readonly ConfigSource[],
  { boot, engine, state, store, report, signal }: RemoteContext,
): Promise<void> {
  const pending = new Set(sources);
  for (let round = 1; pending.size > 0 && !signal.aborted;) {
    if (!state.online) {
      await Promise.race([engine.nextPass(), delay(RETRY_MS, undefined, { signal }).catch(() => undefined)]);
      continue;
    }
    for (const source of pending) if (await load(source, boot, report)) pending.delete(source);
    store.setLayer("boot", accept(boot, report));
    engine.wake();
    if (pending.size > 0) await delay(backoff(round, 1000, RETRY_MS), undefined, { signal }).catch(() => undefined);
    round += 1;
  }
}
