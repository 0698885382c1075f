import { EventEmitter, once } from "node:events";
import { uptime } from "../lib/uptime.ts";
import type { Host, ServiceState } from "../host/host.ts";
import { backoff, Queue } from "../lib/async.ts";
import { describeError, NetloomError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { Secret } from "../lib/secret.ts";
import type { ActualWireguard } from "../model/actual.ts";
import { documentId, type Document, type Kind } from "../model/document.ts";
import type { Facts } from "../model/facts.ts";
import type { ChangeReport, Issue, Report } from "../model/report.ts";
import { compile, type Compiled } from "../plan/compile.ts";
import { explain } from "../plan/explain.ts";
import { parseDocuments, type SourceFile } from "../plan/parse-documents.ts";
import type { NodeState } from "./node-state.ts";
import { planTarget, reconcile } from "./reconcile.ts";
import type { DocumentStore, StoredDocument } from "./store.ts";

/** A burst of events costs one pass: it starts this long after the first of them. */
const SETTLE_MS = 30;
/** Every so often everything is looked at again, whether an event said so or not. */
const SWEEP_MS = 180_000;

export interface EngineOptions {
  readonly host: Host;
  readonly store: DocumentStore;
  readonly state: NodeState;
  readonly log: Log;
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly keepsClock: boolean;
}

/** What the engine knows after its last pass. */
export interface EngineView {
  readonly compiled: Compiled | null;
  readonly report: Report | null;
  readonly total: number;
  readonly changed: number;
}

/**
 * One loop, level-triggered: events, timers and API calls only say that something may have changed;
 * every pass compiles all documents, looks at the kernel and takes the steps between. Passes never overlap.
 */
export class Engine implements AsyncDisposable {
  readonly #options: EngineOptions;
  readonly #passes = new Queue();
  readonly #events = new EventEmitter<{ pass: [] }>();
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #watch: Disposable | undefined;
  #failures = 0;
  #closed = false;
  #view: EngineView = { compiled: null, report: null, total: 0, changed: 0 };

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  get view(): EngineView {
    return this.#view;
  }

  get documents(): readonly StoredDocument[] {
    return this.#options.store.all();
  }

  /** Starts watching, and makes the first pass. */
  async start(): Promise<void> {
    this.#watch = this.#options.host.watch(() => this.wake(SETTLE_MS));
    await this.#passes.run(() => this.#pass());
  }

  /** Asks for a pass within `delayMs`; an earlier one that is due already serves as well. */
  wake(delayMs: number = 0): void {
    const due = performance.now() + delayMs;
    if (this.#closed || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      void this.#passes
        .run(() => this.#pass())
        .catch((error: unknown) => this.#options.log.error({ error: describeError(error) }, "pass failed"));
    }, delayMs);
  }

  /** Resolves after the next pass. */
  async nextPass(): Promise<void> {
    await once(this.#events, "pass");
  }

  /** What `apply` would do. */
  plan(files: readonly SourceFile[]): Promise<ChangeReport> {
    return this.#passes.run(async () => {
      const parsed = this.#check(files, await this.#facts([]));
      if (parsed.issues.length > 0) return refused(parsed.issues);
      const candidate = this.#options.store.with(parsed.documents);
      const { target } = compile(candidate, await this.#facts(candidate));
      const { steps, foreign } = await planTarget(this.#options.host, target);
      const failures = foreign.map((message) => ({ step: "refused", message }));
      return {
        outcome: foreign.length > 0 ? "failed" : steps.length === 0 ? "unchanged" : "changed",
        issues: [],
        steps: steps.map(explain),
        failures,
        unverified: [],
        milliseconds: 0,
      };
    });
  }

  /** Checks the documents, keeps them and brings the kernel to them; nothing is kept of a text with an issue. */
  apply(files: readonly SourceFile[]): Promise<ChangeReport> {
    return this.#passes.run(async () => {
      const parsed = this.#check(files, await this.#facts([]));
      if (parsed.issues.length > 0) return refused(parsed.issues);
      const { keys } = this.#options.host;
      for (const document of parsed.documents) {
        const given = document.kind === "NetworkResource" ? document.wireguard?.privateKey : undefined;
        if (given !== undefined) await keys.ensure(document.name, new Secret(given));
      }
      await this.#options.store.put(parsed.documents.map(withoutSecrets));
      return { issues: [], ...(await this.#pass()) };
    });
  }

  /** Removes an applied document and all that it made. */
  delete(kind: Kind, name: string): Promise<ChangeReport> {
    return this.#passes.run(async () => {
      const { store, host } = this.#options;
      const found = store.find(kind, name);
      const target = documentId({ kind, name });
      if (found === undefined)
        throw new NetloomError({
          code: "not-found",
          op: "delete",
          target,
          why: "there is no such document",
          hint: "`netloom show` lists them",
        });
      if (found.source !== "applied")
        throw new NetloomError({
          code: "refused",
          op: "delete",
          target,
          why: `it comes from ${found.source === "boot" ? "the kernel command line" : "the configuration directory"}`,
          hint: "change it there",
        });
      await store.remove(found.document);
      const report = await this.#pass();
      if (kind === "NetworkResource" && store.find(kind, name) === undefined) await host.keys.remove(name);
      return { issues: [], ...report };
    });
  }

  /** The public half of a resource's WireGuard key, which is made when there is none. */
  async publicKey(resource: string): Promise<string> {
    return (await this.#options.host.keys.ensure(resource)).publicKey;
  }

  /** WireGuard devices as the kernel sees them now. */
  async wireguard(): Promise<readonly ActualWireguard[]> {
    return (await this.#options.host.observe(this.#view.compiled?.target ?? [])).wireguard;
  }

  services(): Promise<readonly ServiceState[]> {
    return this.#options.host.services();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watch?.[Symbol.dispose]();
    await this.#passes.run(() => Promise.resolve());
  }

  #check(files: readonly SourceFile[], facts: Facts): { documents: readonly Document[]; issues: readonly Issue[] } {
    const parsed = parseDocuments(files);
    if (parsed.issues.length > 0) return parsed;
    return { documents: parsed.documents, issues: compile(this.#options.store.with(parsed.documents), facts).issues };
  }

  async #facts(documents: readonly Document[]): Promise<Facts> {
    const { host, state, runtimeDir, stateDir, keepsClock } = this.#options;
    const keyed = documents.filter(
      (document) => document.kind === "NetworkResource" && document.wireguard !== undefined,
    );
    const wireguardKeys = Object.fromEntries(
      await Promise.all(keyed.map(async ({ name }) => [name, await host.keys.ensure(name)] as const)),
    );
    const [nics, leases] = await Promise.all([host.nics(), host.leases()]);
    return { nics, leases, uplink: state.uplink, wireguardKeys, runtimeDir, stateDir, keepsClock };
  }

  async #pass(): Promise<Report> {
    const { host, store, state, log } = this.#options;
    const documents = store.all().map(({ document }) => document);
    const facts = await this.#facts(documents);
    const compiled = compile(documents, facts);
    const report = compiled.issues.length > 0 ? refused(compiled.issues) : await reconcile(host, compiled.target);
    const changed = report.outcome !== "unchanged";
    this.#view = { compiled, report, total: this.#view.total + 1, changed: this.#view.changed + (changed ? 1 : 0) };
    if (changed) logPass(log, report);
    await state.update(compiled, report);
    this.#failures = report.outcome === "failed" ? this.#failures + 1 : 0;
    this.wake(this.#failures > 0 ? backoff(this.#failures) : Math.min(SWEEP_MS, nextExpiry(facts)));
    this.#events.emit("pass");
    return report;
  }
}

/** The console shows how much was done; each step is told at level debug, and what failed always. */
function logPass(log: Log, { outcome, steps, failures, unverified, milliseconds }: Report): void {
  for (const step of steps) log.debug(step);
  if (outcome === "failed")
    log.warn({ failures, unverified }, `pass failed: ${failures.length} of ${steps.length} steps, ${milliseconds} ms`);
  else log.info(`pass: ${steps.length} steps in ${milliseconds} ms`);
}

function refused(issues: readonly Issue[]): ChangeReport {
  const failures = issues.map(({ message, documents }) => ({ step: documents.join(", "), message }));
  return { outcome: "failed", issues, steps: [], failures, unverified: [], milliseconds: 0 };
}

/** The private key moves into its own 0600 file; the kept document says "the node's key" by leaving it out. */
function withoutSecrets(document: Document): Document {
  if (document.kind !== "NetworkResource" || document.wireguard === undefined) return document;
  const { privateKey: _private, ...wireguard } = document.wireguard;
  return { ...document, wireguard };
}

/** Milliseconds until the first lease ends. */
function nextExpiry(facts: Facts): number {
  const seconds = Math.min(...facts.leases.map((lease) => lease.expiresAt)) - uptime();
  return Number.isFinite(seconds) ? Math.max(1, seconds) * 1000 : SWEEP_MS;
}
