import type { Actor } from "../host/host.ts";
import type { Target } from "../model/kernel.ts";
import type { FightReport } from "../model/report.ts";
import type { Step } from "../model/step.ts";
import { objectId } from "../plan/object-key.ts";
import { stepObject } from "../plan/step-object.ts";

/** So many times somebody else may undo what we made, within this long, before we leave it to them. */
const TIMES = 3;
const WINDOW_MS = 10 * 60_000;
const NOBODY = "somebody whom the kernel does not name";
/** Who did something is of use for the next pass only; of a crowd the last ones are kept. */
const ACTORS = 64;
/** A pass may find what is undone before the event that tells of it is heard; on a busy machine that is late. */
const LATE_MS = 5000;

/** What an event is about, by the first word of a step. Of the others the kernel tells nobody. */
const EVENTS: Readonly<Record<string, Actor["kind"]>> = {
  netns: "nsid",
  link: "link",
  vlan: "link",
  wireguard: "link",
  address: "address",
  route: "route",
  rule: "rule",
  neighbor: "neighbour",
  fdb: "neighbour",
  nft: "nft",
};

/**
 * Notices when somebody else keeps undoing what we do, and gives in: two programs that mend the same thing for ever help nobody.
 * An object counts as reverted when a pass left it as wished, the wish is still the same, and it needs a step again.
 */
export class Fights {
  readonly #now: () => number;
  /** When each object was undone, in milliseconds. */
  #reverts = new Map<string, readonly number[]>();
  #held = new Map<string, FightReport>();
  #actors: readonly Actor[] = [];
  /** Those of whom the pass under way knew when it looked. */
  #known: ReadonlySet<Actor> = new Set();
  /** What was given up to nobody who is known, and until when an event may tell who it was. */
  #unnamed: readonly { readonly step: Step; readonly until: number }[] = [];
  /** What the last pass wished, and what of it did not come true. */
  #wish: Target | null = null;
  #open: ReadonlySet<string> = new Set();

  /** @param now milliseconds of a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The objects that we leave alone, those that went together as one. */
  get all(): readonly FightReport[] {
    return [...new Set(this.#held.values())];
  }

  /** Remembers who changed something; the next pass finds out whether it was ours. */
  note(actors: readonly Actor[]): void {
    if (actors.length === 0) return;
    this.#actors = [...this.#actors, ...actors].slice(-ACTORS);
    this.#unnamed = this.#unnamed.filter(({ step, until }) => this.#now() < until && !this.#name(step));
  }

  /**
   * Judges what a pass finds to be done at its first look. @returns true when it gave in, and the kernel
   * does not tell to whom
   */
  judge(steps: readonly Step[], target: Target): boolean {
    this.#known = new Set(this.#actors);
    return this.#count(this.#undone(steps, target)) === NOBODY;
  }

  /** True for a step that we do not take any more. */
  holds(step: Step): boolean {
    return this.#held.size > 0 && this.#held.has(stepObject(step));
  }

  /** Names programs that might have done it, where nobody is known. */
  suspect(programs: readonly string[]): void {
    if (programs.length === 0) return;
    const by = `${NOBODY}, where ${programs.join(", ")} run${programs.length === 1 ? "s" : ""}`;
    const named = new Map(this.all.map((report) => [report, report.by === NOBODY ? { ...report, by } : report]));
    for (const [object, report] of this.#held) this.#held.set(object, named.get(report) ?? report);
  }

  /**
   * What a pass left behind: everything in the target is as wished, but for what `open` is about. What did not hold until we looked
   * is open too; where somebody is known to have changed the like, that counts as undone.
   */
  settled(target: Target, open: readonly Step[], unverified: readonly Step[] = []): void {
    const contested = unverified.filter((step) => this.#who(step) !== NOBODY);
    this.#count(new Map(contested.map((step) => [stepObject(step), step])));
    this.#wish = target;
    this.#open = new Set(open.map(stepObject));
    // What was done since the first look, and did not meet what we did, is for the next pass to find.
    this.#actors = contested.length > 0 ? [] : this.#actors.filter((actor) => !this.#known.has(actor));
  }

  /** A new change of documents: everything is tried again, and counted anew. */
  release(): void {
    this.#reverts = new Map();
    this.#held = new Map();
    this.#unnamed = [];
    this.#wish = null;
  }

  /** The objects that held after the last pass and do not hold now, without a wish that changed. */
  #undone(steps: readonly Step[], target: Target): ReadonlyMap<string, Step> {
    const undone = new Map<string, Step>();
    if (this.#wish === null) return undone;
    for (const step of steps) {
      const object = stepObject(step);
      if (!this.#open.has(object) && !this.#held.has(object) && !undone.has(object)) undone.set(object, step);
    }
    if (undone.size === 0 || this.#wish === target) return undone;
    const [before, after] = [wishes(this.#wish, undone), wishes(target, undone)];
    return new Map([...undone].filter(([object]) => before.get(object) === after.get(object)));
  }

  /** Counts what was undone once more. @returns to whom we gave in, undefined when we did not */
  #count(undone: ReadonlyMap<string, Step>): string | undefined {
    const now = this.#now();
    const news = new Map<string, Step>();
    for (const [object, step] of undone) {
      const times = [...(this.#reverts.get(object) ?? []).filter((at) => at >= now - WINDOW_MS), now];
      this.#reverts.set(object, times);
      if (times.length >= TIMES) news.set(object, step);
    }
    const [first] = news.values();
    if (first === undefined) return undefined;
    const report: FightReport = { objects: [...news.keys()], times: TIMES, by: this.#who(first) };
    for (const object of report.objects) this.#held.set(object, report);
    if (report.by === NOBODY) this.#unnamed = [...this.#unnamed, { step: first, until: now + LATE_MS }];
    return report.by;
  }

  /** Names who it was to whom we gave in. @returns false while that is not known */
  #name(step: Step): boolean {
    const by = this.#who(step);
    const report = this.#held.get(stepObject(step));
    if (by === NOBODY || report === undefined) return false;
    const named = { ...report, by };
    for (const object of report.objects) this.#held.set(object, named);
    return true;
  }

  #who(step: Step): string {
    const [word = ""] = step.op.split(".");
    const kind = EVENTS[word];
    const place = "netns" in step.args ? step.args.netns : undefined;
    const fit = this.#actors.filter((actor) => actor.kind === kind && actor.netns === place);
    const actor = fit.findLast(({ name }) => name === undefined || isAbout(step, name)) ?? fit.at(-1);
    if (actor === undefined) return NOBODY;
    return actor.program === null
      ? `a program that has ended, pid ${actor.pid}`
      : `${actor.program} (pid ${actor.pid})`;
  }
}

/** What a target wishes of some objects, as text; nothing for an object that it does not have. */
function wishes(target: Target, objects: ReadonlyMap<string, unknown>): ReadonlyMap<string, string> {
  return new Map(
    target.flatMap((object) => {
      const id = objectId(object);
      return objects.has(id) ? [[id, JSON.stringify(object)] as const] : [];
    }),
  );
}

function isAbout({ args }: Step, link: string): boolean {
  return ("dev" in args && args.dev === link) || ("name" in args && args.name === link);
}
