import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "../host/host.ts";
import { setAside } from "../lib/atomic-file.ts";
import { describeError, NetloomError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { bootId, uptime } from "../lib/uptime.ts";
import type { CheckResult, GuardReport } from "../model/guard.ts";
import { HOST } from "../model/kernel.ts";
import type { Compiled } from "../plan/compile.ts";
import { diff } from "../plan/diff/index.ts";
import { mayTouchNics, uplinksOf } from "../plan/guarded.ts";
import { revert, touchesUplink, uplinkTarget } from "../plan/revert.ts";
import {
  checkpointPath,
  readCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
  type ChangedDocument,
  type Checkpoint,
} from "./checkpoint.ts";
import { readReverted, removeReverted, writeReverted } from "./reverted.ts";
import type { DocumentStore } from "./store.ts";

/** Pause between two rounds of checks. */
const CHECK_MS = 1000;

export interface GuardOptions {
  /** Where the checkpoint is kept. */
  readonly root: string;
  readonly host: Host;
  readonly store: DocumentStore;
  readonly log: Log;
  /** Seconds that a change has until it is reverted. */
  readonly seconds: number;
  /** Starts the process that reverts when this one dies. */
  readonly startDetached: () => void;
}

/** A change of documents, before anything of it is kept. */
export interface GuardedChange {
  /** "apply Lan lab" */
  readonly text: string;
  readonly documents: readonly ChangedDocument[];
  readonly before: Compiled | null;
  readonly after: Compiled;
}

/** Links by which the node is reached and which a change touches, and how all of those links are now. */
type Touched = Pick<Checkpoint, "uplinks" | "objects">;

const UNTOUCHED: Touched = { uplinks: [], objects: [] };

interface Waiting {
  readonly checkpoint: Checkpoint;
  readonly decided: PromiseWithResolvers<GuardReport>;
  /** What failed when it was looked at last. */
  failing: readonly CheckResult[];
  /** It is being undone: nobody can keep it any more. */
  reverting: boolean;
}

/** Brings documents and kernel back, and makes a pass; runs where no pass runs. */
export type Revert = (putBack: () => Promise<void>) => Promise<void>;

/**
 * Keeps the node reachable. A change that touches an uplink is written down with a deadline before its first step; it stays only
 * when every check that passed before passes after it, or when somebody confirms it. The checkpoint on disk is judged by
 * whoever comes first: this daemon, the next one at its start, or the process that waits beside it.
 */
export class Guard implements Disposable {
  readonly #options: GuardOptions;
  readonly #stop = new AbortController();
  #waiting: Waiting | null = null;
  #last: GuardReport | null;

  private constructor(options: GuardOptions, last: GuardReport | null) {
    this.#options = options;
    this.#last = last;
  }

  /** Takes over what an earlier daemon left. A damaged checkpoint is set aside, and named in `problems`. */
  static async open(options: GuardOptions): Promise<{ readonly guard: Guard; readonly problems: readonly string[] }> {
    const guard = new Guard(options, await readReverted(options.root));
    try {
      const checkpoint = await readCheckpoint(options.root);
      if (checkpoint !== undefined) guard.#wait(checkpoint);
      return { guard, problems: [] };
    } catch (error) {
      return { guard, problems: [await setAside(checkpointPath(options.root), describeError(error))] };
    }
  }

  /** The change that waits, or the last one that was reverted or confirmed; null when there was none. */
  get report(): GuardReport | null {
    return this.#waiting === null ? this.#last : reportOf(this.#waiting);
  }

  /** Throws while a change waits: another one on top could not be reverted without it. */
  refuseWhileWaiting(text: string): void {
    if (this.#waiting === null) return;
    const [op = "", ...target] = text.split(" ");
    const { change, secondsLeft, message } = reportOf(this.#waiting);
    throw new NetloomError({
      code: "refused",
      op,
      target: target.join(" "),
      why: `${change} waits for its connectivity check (${message})`,
      hint: `wait up to ${secondsLeft} s until it is reverted, or keep it with \`netloom apply --confirm\``,
    });
  }

  /** Links that the node is reached by and that the change touches; empty when it is none of the guard's business. */
  async touched({ documents, before, after }: Omit<GuardedChange, "text">): Promise<Touched> {
    const ids = new Set(documents.map(({ kind, name }) => `${kind} ${name}`));
    if (!mayTouchNics(before, after, ids)) return UNTOUCHED;
    const actual = await this.#options.host.observe(after.target, new Set([HOST]));
    const { steps } = diff(actual, after.target);
    const uplinks = uplinksOf(actual, before?.uplink ?? null);
    const touched = uplinks.filter((name) => touchesUplink(steps, name));
    // A bridge and its ports are one way out: whoever puts one of them back needs the others as they were.
    return touched.length === 0 ? UNTOUCHED : { uplinks: touched, objects: uplinkTarget(actual, uplinks) };
  }

  /**
   * Writes the checkpoint of a change that may cut the node off, and is done when it is on the disk. A change that touches no
   * uplink, or one of a node that nobody reaches now, needs none.
   */
  async begin(change: GuardedChange): Promise<void> {
    const { host, root, seconds, log, startDetached } = this.#options;
    const { uplinks, objects } = await this.touched(change).catch((error: unknown) => {
      // Whoever cannot see the kernel cannot change it either; the pass tells.
      log.warn(`not guarded: ${describeError(error)}`);
      return UNTOUCHED;
    });
    if (uplinks.length === 0) return;
    const passed = (await host.connectivity()).filter((check) => check.passed);
    if (passed.length === 0) {
      log.info(`${change.text} is not guarded: no gateway answers now`);
      return;
    }
    const checkpoint: Checkpoint = {
      change: change.text,
      bootId: bootId(),
      deadline: uptime() + seconds,
      checks: passed.map(({ name }) => name),
      uplinks,
      objects,
      documents: change.documents,
    };
    try {
      await writeCheckpoint(root, checkpoint);
    } catch (error) {
      throw new NetloomError({
        code: "failed",
        op: "write the checkpoint for",
        target: change.text,
        why: describeError(error),
        hint: `nothing was changed; see that ${root} can be written`,
        cause: error,
      });
    }
    this.#wait(checkpoint);
    startDetached();
    log.info(
      `${change.text} touches ${uplinks.join(", ")}: reverted in ${seconds} s unless it still holds that ${passed.map(told).join(", ")}`,
    );
  }

  /** Forgets a change that was not made after all. */
  async cancel(): Promise<void> {
    if (this.#waiting === null) return;
    this.#waiting = null;
    await removeCheckpoint(this.#options.root);
  }

  /** At the daemon's start, before its first pass: what is overdue, or is from an earlier boot, is undone. */
  async recover(): Promise<boolean> {
    const waiting = this.#waiting;
    if (waiting === null) return false;
    if (!isDue(waiting.checkpoint)) {
      // The one that waited beside our predecessor may have been ended along with it.
      this.#options.startDetached();
      return false;
    }
    await this.#putBack(waiting.checkpoint);
    return true;
  }

  /** The pass after `recover` is done: the change is history. */
  async recovered(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const other = waiting.checkpoint.bootId === bootId() ? "" : " before the node was restarted";
    await this.#reverted(waiting, `nobody confirmed it within its time${other}`);
  }

  /** Checks the change that waits until it is decided. Does nothing when none waits. */
  follow(revertBy: Revert): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#decide(waiting, revertBy).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#options.log.error(`the guard failed: ${describeError(error)}`);
    });
  }

  /** Resolves when the change that waits is decided; at once with null when none does. */
  async verdict(): Promise<GuardReport | null> {
    return this.#waiting === null ? null : await this.#waiting.decided.promise;
  }

  /** Keeps the change that waits. @returns null when none does, or when it is too late */
  async confirm(message: string): Promise<GuardReport | null> {
    const waiting = this.#waiting;
    if (waiting === null || waiting.reverting) return null;
    await removeCheckpoint(this.#options.root);
    return await this.#close(waiting, { ...reportOf(waiting), state: "confirmed", secondsLeft: 0, message });
  }

  /** A later change of documents makes the last verdict history. */
  async forget(): Promise<void> {
    if (this.#waiting !== null || this.#last === null) return;
    this.#last = null;
    await removeReverted(this.#options.root);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    // Whoever waits for the verdict learns that it is still open: the detached process or the next daemon decides.
    if (this.#waiting !== null) this.#waiting.decided.resolve(reportOf(this.#waiting));
  }

  #wait(checkpoint: Checkpoint): void {
    this.#waiting = { checkpoint, decided: Promise.withResolvers(), failing: [], reverting: false };
  }

  async #decide(waiting: Waiting, revertBy: Revert): Promise<void> {
    const { host, log } = this.#options;
    const { signal } = this.#stop;
    for (let broken = ""; this.#waiting === waiting;) {
      signal.throwIfAborted();
      const results = await host.connectivity().catch((error: unknown) => unseen(waiting.checkpoint, error));
      if (this.#waiting !== waiting) return;
      waiting.failing = waiting.checkpoint.checks.flatMap((name) => {
        const found = results.find((result) => result.name === name);
        return found?.passed === true ? [] : [found ?? { name, passed: false, detail: "is not checked any more" }];
      });
      if (waiting.failing.length === 0) {
        await this.confirm(
          results
            .filter(({ name }) => waiting.checkpoint.checks.includes(name))
            .map(told)
            .join(", "),
        );
        return;
      }
      if (isDue(waiting.checkpoint)) {
        try {
          await revertBy(async () => {
            // Somebody who kept it in the last moment was before us in the queue, and told so.
            if (this.#waiting !== waiting) return;
            waiting.reverting = true;
            await this.#putBack(waiting.checkpoint);
          });
          if (this.#waiting === waiting) await this.#reverted(waiting, waiting.failing.map(told).join(", "));
          return;
        } catch (error) {
          waiting.reverting = false;
          // Tried again until it works; what stands in the way is said once.
          const why = describeError(error);
          if (why !== broken) log.error(`cannot revert ${waiting.checkpoint.change} yet: ${why}`);
          broken = why;
        }
      }
      await delay(CHECK_MS, undefined, { signal, ref: false });
    }
  }

  /** The uplinks first, by themselves: they need no document and no compiler. Then the documents. */
  async #putBack({ objects, documents, bootId: boot, change }: Checkpoint): Promise<void> {
    const { store, log } = this.#options;
    log.warn(`reverting ${change}`);
    if (boot === bootId()) await this.#uplinksBack(objects).catch((error: unknown) => log.error(describeError(error)));
    for (const { kind, name, before } of documents) {
      if (before === null) await store.remove({ kind, name });
      else await store.put([before]);
    }
  }

  async #uplinksBack(objects: Checkpoint["objects"]): Promise<void> {
    const { host, log } = this.#options;
    const { steps } = revert(await host.observe(objects, new Set([HOST])), objects);
    for (const { error } of await host.execute(steps)) log.error(describeError(error));
  }

  async #reverted(waiting: Waiting, message: string): Promise<void> {
    const report: GuardReport = { ...reportOf(waiting), state: "reverted", secondsLeft: 0, message };
    const { root, log } = this.#options;
    log.warn(`${report.change} was reverted: ${message}`);
    await writeReverted(root, report);
    await removeCheckpoint(root);
    await this.#close(waiting, report);
  }

  async #close(waiting: Waiting, report: GuardReport): Promise<GuardReport> {
    this.#waiting = null;
    this.#last = report;
    if (report.state === "confirmed") await removeReverted(this.#options.root);
    waiting.decided.resolve(report);
    return report;
  }
}

function isDue({ bootId: boot, deadline }: Checkpoint): boolean {
  return boot !== bootId() || uptime() >= deadline;
}

function reportOf({ checkpoint: { change, checks, uplinks, deadline }, failing }: Waiting): GuardReport {
  return {
    change,
    state: "waiting",
    uplinks,
    checks,
    secondsLeft: Math.max(0, Math.ceil(deadline - uptime())),
    message: failing.length === 0 ? "it is being checked" : failing.map(told).join(", "),
  };
}

function told({ name, detail }: CheckResult): string {
  return `${name} ${detail}`;
}

function unseen({ checks }: Checkpoint, error: unknown): readonly CheckResult[] {
  return checks.map((name) => ({ name, passed: false, detail: `cannot be checked: ${describeError(error)}` }));
}
