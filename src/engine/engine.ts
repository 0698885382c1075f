import { EventEmitter, once } from "node:events";
import type { Scope, ServiceState } from "../host/host.ts";
import { backoff, Queue } from "../lib/async.ts";
import { describeError, NetloomError } from "../lib/errors.ts";
import { Secret } from "../lib/secret.ts";
import type { ActualWireguard } from "../model/actual.ts";
import { documentId, type Document, type Kind, type LanDocument } from "../model/document.ts";
import type { GuardReport } from "../model/guard.ts";
import type { ChangeReport, FightReport, Issue, Report } from "../model/report.ts";
import { compile, type Compiled } from "../plan/compile.ts";
import { admit } from "../plan/conflicts.ts";
import { explain } from "../plan/explain.ts";
import { findLimits } from "../plan/limits.ts";
import { questionsOf } from "../plan/probe.ts";
import { parseDocuments, type ParsedDocuments, type SourceFile } from "../plan/parse-documents.ts";
import { failuresOf, refused, touchText, withOwners, withVerdict } from "./change-report.ts";
import { DirtyMarks } from "./dirty.ts";
import type { ChangeOptions, EngineOptions, EngineView } from "./engine-options.ts";
import { gatherFacts, type Gathered } from "./facts.ts";
import { Fights } from "./fights.ts";
import type { GuardedChange } from "./guard.ts";
import { NodeId } from "./node-id.ts";
import { Members, type Joined, type JoinRequest } from "./members.ts";
import { logPass, netnsOwners, nextExpiry, SWEEP_MS, thrown, untilDeadline, type Looked } from "./pass.ts";
import { findObstacles } from "./obstacles.ts";
import { Probes } from "./probes.ts";
import { planTarget, reconcile } from "./reconcile.ts";
import { Schedule } from "./schedule.ts";
import { givenKey, takeKeys } from "./secrets.ts";
import { byPrecedence, type StoredDocument } from "./store.ts";

/**
 * One loop, level-triggered: events, timers and API calls only say that something may have changed;
 * every pass compiles all documents, looks at the kernel and takes the steps between. Passes never overlap.
 */
export class Engine implements AsyncDisposable {
  readonly #options: EngineOptions;
  readonly #passes = new Queue();
  readonly #events = new EventEmitter<{ pass: [] }>();
  readonly #schedule = new Schedule(() => this.#enqueue());
  /** True while a pass waits for its turn. */
  #awaited = false;
  readonly #dirty = new DirtyMarks(SWEEP_MS);
  readonly #members: Members;
  readonly #nodeId: NodeId;
  readonly #fights = new Fights();
  readonly #probes: Probes;
  #watch: Disposable | undefined;
  #failures = 0;
  #view: EngineView = { compiled: null, report: null, problems: [], total: 0, changed: 0 };
  /** The LANs that hold. */
  #lans: ReadonlyMap<string, LanDocument> = new Map();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#nodeId = new NodeId(options.stateDir);
    this.#probes = new Probes(options.host, options.state.answers, () => this.wake());
    this.#members = new Members({
      ...options,
      passes: this.#passes,
      neighbourhood: {
        lan: (name) => this.#lans.get(name),
        ownerOf: (netns) => netnsOwners(this.#view.compiled).get(netns),
      },
    });
  }

  get view(): EngineView {
    return this.#view;
  }

  get documents(): readonly StoredDocument[] {
    return this.#options.store.all();
  }

  /** Starts watching, and makes the first pass. */
  async start(): Promise<void> {
    this.#watch = this.#options.host.watch((dirty) => {
      this.#dirty.mark(dirty);
      this.#fights.note(dirty.actors);
      this.#schedule.event();
    });
    const { guard } = this.#options;
    await this.#passes.run(async () => {
      const overdue = await guard.recover();
      await this.#pass();
      if (overdue) await guard.recovered();
    });
    guard.follow((putBack) => this.#revert(putBack));
  }

  /** Asks for a pass within `delayMs`; an earlier one that is due already serves as well. */
  wake(delayMs: number = 0): void {
    this.#schedule.wake(delayMs);
  }

  /** Resolves after the next pass; there is one every few minutes at least. Rejects when `signal` aborts. */
  async nextPass(signal: AbortSignal): Promise<void> {
    await once(this.#events, "pass", { signal });
  }

  /** What `apply` would do. Nothing is kept, not even a key. */
  plan(files: readonly SourceFile[]): Promise<ChangeReport> {
    return this.#passes.run(async () => {
      const parsed = await this.#check(files);
      if (parsed.issues.length > 0) return refused(parsed.issues);
      const { host, store } = this.#options;
      const { documents } = hold(store.all(parsed.documents));
      const { facts } = await this.#facts(
        documents,
        async (resource) => (await host.keys.peek(resource.name, givenKey(resource))) ?? FUTURE_KEY,
      );
      const { members } = await this.#members.present();
      const compiled = compile(documents, facts, members);
      const { steps, foreign } = await planTarget(host, compiled.target, this.#dirty.peek());
      const { uplinks } = await this.#options.guard.touched(this.#change("plan", parsed.documents, compiled));
      const failures = foreign.map((message) => ({ step: "refused", message }));
      return {
        outcome: foreign.length > 0 ? "failed" : steps.length === 0 ? "unchanged" : "changed",
        issues: [],
        warnings: [
          ...(uplinks.length === 0 ? [] : [touchText(uplinks)]),
          ...(await findObstacles(host, store.all(parsed.documents))),
        ],
        steps: steps.map(explain),
        failures,
        unverified: [],
        milliseconds: 0,
      };
    });
  }

  /**
   * Checks the documents, keeps them and brings the kernel to them; nothing is kept of a text with an issue. A change that
   * could cut the node off is answered when it is decided whether it holds.
   */
  apply(files: readonly SourceFile[], options: ChangeOptions = {}): Promise<ChangeReport> {
    return this.#guarded(options, async () => {
      const { documents, issues, compiled } = await this.#check(files);
      if (issues.length > 0) return { refused: issues };
      const { host, store } = this.#options;
      const text = `apply ${documents.map(documentId).join(", ")}`;
      return {
        change: this.#change(text, documents, compiled),
        keep: async () => store.put(await takeKeys(documents, host.keys)),
      };
    });
  }

  /** Removes an applied document and all that it made. */
  delete(kind: Kind, name: string, options: ChangeOptions = {}): Promise<ChangeReport> {
    const { store, host } = this.#options;
    return this.#guarded(options, async () => {
      const target = documentId({ kind, name });
      const found = store.find(kind, name);
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
      if (kind === "Lan") this.#members.refuseDelete(name);
      const rest = store.all().map(({ document }) => document);
      const { facts } = await this.#facts([]);
      const compiled = compile(
        rest.filter((document) => document !== found.document),
        facts,
        this.#options.allocations.all(),
      );
      return {
        change: this.#change(`delete ${target}`, [found.document], compiled),
        keep: () => store.remove(found.document),
        after: async () => {
          if (kind === "NetworkResource" && store.find(kind, name) === undefined) await host.keys.remove(name);
        },
      };
    });
  }

  /** Keeps the change that waits for its connectivity check. @returns null when none does */
  confirm(): Promise<GuardReport | null> {
    return this.#passes.run(() => this.#options.guard.confirm(BY_HAND));
  }

  /** What became of the last change that could have cut the node off; null when there was none. */
  get guard(): GuardReport | null {
    return this.#options.guard.report;
  }

  /** What somebody else keeps undoing, and is left alone. */
  get fights(): readonly FightReport[] {
    return this.#fights.all;
  }

  /** What of others is in the way of our traffic: one line each. */
  obstacles(): Promise<readonly string[]> {
    return findObstacles(this.#options.host, this.documents);
  }

  /** Plugs a namespace into a LAN. One that is a member already gets what it has, mended where it was damaged. */
  join(request: JoinRequest): Promise<Joined> {
    return this.#members.join(request);
  }

  /** Unplugs a member from a LAN and frees what it had. */
  leave(lan: string, name: string): Promise<Report> {
    return this.#members.leave(lan, name);
  }

  /** The public half of a resource's WireGuard key, which is made when there is none. */
  async publicKey(resource: string): Promise<string> {
    return (await this.#options.host.keys.ensure(resource)).publicKey;
  }

  /** WireGuard devices as the kernel sees them now. */
  wireguard(): Promise<readonly ActualWireguard[]> {
    return this.#options.host.wireguard();
  }

  services(): Promise<readonly ServiceState[]> {
    return this.#options.host.services();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#schedule[Symbol.dispose]();
    this.#watch?.[Symbol.dispose]();
    this.#probes[Symbol.dispose]();
    await this.#passes.run(() => Promise.resolve());
  }

  /** A change of documents under the guard: written down before it is kept, and answered when it is decided. */
  async #guarded(
    { confirm = false }: ChangeOptions,
    prepare: () => Promise<Prepared | { readonly refused: readonly Issue[] }>,
  ): Promise<ChangeReport> {
    const { guard } = this.#options;
    const done = await this.#passes.run(async (): Promise<ChangeReport> => {
      const prepared = await prepare();
      if ("refused" in prepared) return refused(prepared.refused);
      const { change, keep, after } = prepared;
      if (confirm) await guard.confirm(BY_HAND);
      else {
        guard.refuseWhileWaiting(change.text);
        await guard.begin(change);
      }
      this.#fights.release();
      try {
        await keep();
      } catch (error) {
        await guard.cancel();
        throw error;
      }
      const report = await this.#pass();
      await after?.();
      return { issues: [], warnings: [], ...report };
    });
    if (done.issues.length > 0) return done;
    guard.follow((putBack) => this.#revert(putBack));
    const verdict = await guard.verdict();
    if (verdict === null) await guard.forget();
    return verdict === null ? done : withVerdict(done, verdict);
  }

  /** Takes a change back and makes the pass that follows from it. */
  #revert(putBack: () => Promise<void>): Promise<void> {
    return this.#passes.run(async () => {
      this.#dirty.markAll();
      await putBack();
      await this.#pass();
    });
  }

  #change(text: string, documents: readonly Document[], after: Compiled): GuardedChange {
    const { store } = this.#options;
    const changed = documents.map(({ kind, name }) => ({ kind, name, before: store.applied({ kind, name }) ?? null }));
    return { text, documents: changed, before: this.#view.compiled, after };
  }

  /** Everything that speaks against new documents; what contradicts itself elsewhere is not their fault. */
  async #check(files: readonly SourceFile[]): Promise<ParsedDocuments & { readonly compiled: Compiled }> {
    const { documents, issues } = parseDocuments(files);
    const all = this.#options.store.all(documents).map(({ document }) => document);
    const { facts } = await this.#facts([]);
    const compiled = compile(all, facts, this.#options.allocations.all());
    if (issues.length > 0) return { documents, issues, compiled };
    const own = new Set(documents.map(documentId));
    return {
      documents,
      issues: [...compiled.issues, ...findLimits(compiled.units, this.#options.host.limits)].filter((issue) =>
        issue.documents.some((id) => own.has(id)),
      ),
      compiled,
    };
  }

  #facts(
    documents: readonly Document[],
    keyOf: KeyOf = (resource) => this.#options.host.keys.ensure(resource.name),
    scope: Scope = this.#dirty.peek(),
  ): Promise<Gathered> {
    const { host, state } = this.#options;
    const { settings } = this.#view.compiled ?? {};
    const remembered = { ...state.remembered, settings, answers: (nic: string) => this.#probes.of(nic) };
    return gatherFacts(host, { ...this.#options, nodeId: this.#nodeId }, remembered, documents, keyOf, scope);
  }

  /** Lets a pass wait for its turn, one at most; one that is made before, for whatever reason, serves as well. */
  #enqueue(): void {
    if (this.#awaited) return;
    this.#awaited = true;
    void this.#passes.run(async () => {
      if (this.#awaited) await this.#pass();
    });
  }

  /** One pass. It never throws: what goes wrong is in the report, in `status`, and tried again. */
  async #pass(): Promise<Report> {
    const { log } = this.#options;
    this.#schedule.started();
    this.#awaited = false;
    const { report, compiled, problems, again } = await this.#look().catch((error: unknown) => {
      this.#dirty.markAll();
      return thrown(error);
    });
    const changed = report.outcome !== "unchanged";
    this.#view = {
      compiled: compiled ?? this.#view.compiled,
      report,
      problems,
      total: this.#view.total + 1,
      changed: this.#view.changed + (changed ? 1 : 0),
    };
    if (changed) logPass(log, report);
    this.#failures = report.outcome === "failed" ? this.#failures + 1 : 0;
    this.wake(this.#failures > 0 ? backoff(this.#failures) : again);
    this.#events.emit("pass");
    return report;
  }

  async #look(): Promise<Looked> {
    const { host, store, state } = this.#options;
    const scope = this.#dirty.take();
    const { documents, issues } = hold(store.all());
    const { facts, failures } = await this.#facts(documents, undefined, scope);
    const { members, problems } = await this.#members.present();
    const compiled = compile(documents, facts, members);
    const { report, open } = await reconcile(host, compiled.target, scope, this.#fights);
    this.#lans = new Map(documents.flatMap((document) => (document.kind === "Lan" ? [[document.name, document]] : [])));
    const all = [
      ...failuresOf([...issues, ...compiled.issues, ...findLimits(compiled.units, host.limits)]),
      ...failures,
      ...withOwners(report.failures, compiled),
    ];
    const outcome = all.length > 0 ? "failed" : report.outcome;
    const answers = this.#probes.follow(questionsOf(compiled.settings, compiled.choice));
    const kept = await Promise.allSettled([compiled.publicSide === null ? undefined : this.#nodeId.keep()]);
    // Last of all that takes time: who asks for the status shall not see its half beside the view of the pass before.
    const updated = await Promise.allSettled([state.update(compiled, { facts, open, answers })]);
    const stuck = [...updated, ...kept].flatMap((one) =>
      one.status === "fulfilled" ? [] : [{ step: "remember the uplink", message: describeError(one.reason) }],
    );
    return {
      compiled,
      problems,
      report: { ...report, outcome: stuck.length > 0 ? "failed" : outcome, failures: [...all, ...stuck] },
      again: Math.min(SWEEP_MS, nextExpiry(facts), untilDeadline(compiled)),
    };
  }
}

/** A change that passed all checks, and how it is kept. */
interface Prepared {
  readonly change: GuardedChange;
  readonly keep: () => Promise<void>;
  /** Done after its pass. */
  readonly after?: () => Promise<void>;
}

const BY_HAND = "confirmed by hand";

type KeyOf = Parameters<typeof gatherFacts>[4];

/** Stands in a plan for a key that `apply` would make. */
const FUTURE_KEY = { privateKey: new Secret(""), publicKey: "a key that apply makes" };

/** The documents that go together; where two contradict each other, the one of the layer that wins is kept. */
function hold(stored: readonly StoredDocument[]): ReturnType<typeof admit> {
  return admit(stored.toSorted(byPrecedence).map(({ document }) => document));
}
