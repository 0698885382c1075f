import { bootId, uptime } from "../lib/uptime.ts";
import { join } from "node:path";
import { readIfExists, setAside, writeFileAtomic } from "../lib/atomic-file.ts";
import type { ActualWireguard } from "../model/actual.ts";
import type { Facts, NicDecision } from "../model/facts.ts";
import { factsFile, type FactsFile } from "../model/facts-file.ts";
import type { Waiting } from "../model/waiting.ts";
import { clockMemory, type ClockMemory } from "../plan/clock.ts";
import type { Compiled } from "../plan/compile.ts";
import type { Step } from "../model/step.ts";
import type { OnlineChecks } from "../model/report.ts";
import { isOnline, missing, onlineChecks } from "../plan/online.ts";
import { waitingFor } from "../plan/operational.ts";
import { rememberChoice, type ChoiceMemory } from "../plan/uplink.ts";
import type { Answers } from "./probes.ts";
import { NO_CHOICE, parseKept, type KeptState } from "./kept-state.ts";
import { OnlineFlag } from "./online-flag.ts";
import { ClockWatch } from "./clock-watch.ts";
import { Since } from "./since.ts";

/** What a pass found. */
export interface PassFindings {
  readonly facts: Facts;
  /** Steps that were not seen to hold. */
  readonly open: readonly Step[];
  readonly answers: Readonly<Record<string, Answers>>;
}

/** Says something to the person at the console; one line. */
export type Announce = (line: string) => void;

/**
 * What the node decided about itself: its uplink, why, and when it came online. Written to `node.json` under the
 * daemon's root when it changes, so that a restarted daemon keeps the choice.
 */
export class NodeState {
  readonly #path: string;
  readonly #bootId: string;
  readonly #announce: Announce;
  readonly #flag: OnlineFlag;
  #kept: KeptState;
  /** What this daemon wrote last, but for the second in which it was. */
  #written = "";
  #online = false;
  #checks: OnlineChecks | null = null;
  readonly #clockWatch = new ClockWatch();
  readonly #since = new Since();
  /** What the console was told of the NICs last. */
  #told = "";

  /** What was wrong with the file when it was opened. */
  readonly problems: readonly string[];

  private constructor(
    path: string,
    boot: string,
    kept: KeptState,
    {
      announce,
      problems,
      flag,
    }: { readonly announce: Announce; readonly problems: readonly string[]; readonly flag: OnlineFlag },
  ) {
    this.#flag = flag;
    this.problems = problems;
    this.#path = path;
    this.#bootId = boot;
    this.#kept = kept;
    this.#announce = announce;
  }

  /** `root` keeps what a reboot must not lose, `runtimeDir` the flag `online`, which services wait for. */
  static async open(root: string, runtimeDir: string, announce: Announce): Promise<NodeState> {
    const path = join(root, "node.json");
    const boot = bootId();
    // What cannot be read is as good as lost; that it cannot be written is told by every pass.
    const text = await readIfExists(path).catch(() => undefined);
    const kept = parseKept(text);
    const damaged = text !== undefined && kept === undefined;
    const problems = damaged
      ? [`${await setAside(path, "it is not what Netloom writes")}; the uplink is chosen anew`]
      : [];
    const fresh: KeptState = {
      uplink: kept?.uplink ?? null,
      choice: NO_CHOICE,
      answers: {},
      onlineAt: null,
      bootId: boot,
      decision: [],
      facts: { nics: [] },
      clock: {},
    };
    return new NodeState(path, boot, kept?.bootId === boot ? kept : fresh, {
      announce,
      problems,
      flag: new OnlineFlag(runtimeDir),
    });
  }

  /** What compilers have to know from before: the choice of the uplink, the uplink in this boot or before it, and the clock. */
  get remembered(): { readonly memory: ChoiceMemory; readonly lastUplink: string | null; readonly clock: ClockMemory } {
    const { choice, uplink, clock } = this.#kept;
    return { memory: choice, lastUplink: uplink, clock };
  }

  /** What networks answered last, by NIC. */
  get answers(): Readonly<Record<string, Answers>> {
    return this.#kept.answers;
  }

  /** What was decided about each NIC when the uplink was chosen, and of those that came later what holds now. */
  get decision(): readonly NicDecision[] {
    return this.#kept.decision;
  }

  /** What that decision was made from. */
  get facts(): FactsFile {
    return this.#kept.facts;
  }

  get online(): boolean {
    return this.#online;
  }

  /** The parts of being online; null before the first pass. */
  get onlineChecks(): OnlineChecks | null {
    return this.#checks;
  }

  /** Seconds since the kernel started at which this boot came online first; null before. */
  get onlineAt(): number | null {
    return this.#kept.onlineAt;
  }

  /** What became of the time in this boot. */
  get clock(): ClockMemory {
    return this.#kept.clock;
  }

  /** Seconds by which the clock is behind what it showed since WireGuard was let start; 0 when it is not. */
  clockBehind(): number {
    return this.#kept.clock.passed === true ? this.#clockWatch.see(Date.now() / 1000, uptime()) : 0;
  }

  /** What was set up and is not known to work yet, counted from the pass that found it as it is. */
  waiting(compiled: Compiled, devices: readonly ActualWireguard[]): readonly Waiting[] {
    const since = (id: string): number | undefined => this.#since.of(id);
    return waitingFor({ compiled, devices, since, now: uptime(), unixNow: Date.now() / 1000 });
  }

  /** Takes over what a pass found, and tells the console what is new in it. */
  async update(compiled: Compiled, { facts, open, answers }: PassFindings): Promise<void> {
    const { uplink, choice, decision, unmatched, units, node, clock } = compiled;
    const checks = onlineChecks(compiled, open);
    const online = isOnline(compiled, checks);
    // The node's own unit is made anew by every pass; what it waits for is an uplink.
    this.#since.see([...units, [node, uplink === null]], uptime());
    const became = online && !this.#online;
    const settled = isSettled(this.#kept.decision, compiled);
    const next: KeptState = {
      uplink: uplink?.nic.name ?? this.#kept.uplink,
      choice: rememberChoice(choice, facts, this.#kept.choice),
      answers,
      onlineAt: this.#kept.onlineAt ?? (online ? uptime() : null),
      bootId: this.#bootId,
      decision: settled ? recordOf(this.#kept.decision, compiled) : decision,
      facts: settled ? this.#kept.facts : factsFile(facts, compiled.document),
      clock: clockMemory(this.#kept.clock, clock, uptime()),
    };
    // Before anybody is told: who hears of it may start what waits for the flag.
    await this.#flag.set(online);
    const chosen = uplink !== null && uplink.nic.name !== this.#kept.decision.find((entry) => entry.chosen)?.nic;
    if (chosen || isOverdue(compiled, next.choice, facts.now)) this.#tell(decision, unmatched);
    if (became)
      this.#announce(
        `netloom: online ${uplink === null ? "without uplink" : `${uplink.nic.name} ${uplink.addresses.join(" ")}`} at ${uptime().toFixed(1)} s`,
      );
    if (!online && this.#online) this.#announce(`netloom: offline: ${missing(checks)}`);
    try {
      await this.#write(next);
    } finally {
      // Last, whatever became of the file: who asks for the status shall not see half of a pass.
      this.#online = online;
      this.#checks = checks;
      this.#kept = next;
      this.clockBehind();
    }
  }

  /** Time alone is no news: while nothing is chosen the facts are those of each pass, and none of them shall wait for the disk by it. */
  async #write(next: KeptState): Promise<void> {
    const { now: _now, ...facts } = next.facts;
    const news = JSON.stringify({ ...next, facts });
    if (news === this.#written) return;
    await writeFileAtomic(this.#path, `${JSON.stringify(next, null, 2)}\n`);
    this.#written = news;
  }

  /** One line for each NIC, and for each pattern that means none; nothing when that was told already. */
  #tell(decision: readonly NicDecision[], unmatched: readonly string[]): void {
    const lines = [
      ...decision.map(
        ({ nic, chosen, reasons }) => `netloom: nic ${nic} ${chosen ? "chosen" : "not chosen"}: ${reasons.join(", ")}`,
      ),
      ...unmatched.map((sentence) => `netloom: ${sentence}`),
    ];
    const text = lines.join("\n");
    if (text !== this.#told) for (const line of lines) this.#announce(line);
    this.#told = text;
  }
}

/**
 * True when the probes have had their time and no NIC has anything, or when no NIC is a candidate and a pattern means none: then
 * somebody will look at the console.
 */
function isOverdue(
  { uplink, wantsUplink, settings, choice, unmatched }: Compiled,
  { since }: ChoiceMemory,
  now: number,
): boolean {
  if (!wantsUplink || uplink !== null) return false;
  if (choice.candidates.length === 0) return unmatched.length > 0;
  return now >= Math.min(...Object.values(since)) + settings.probeTimeout.value;
}

/** True when nothing new is decided: the record of the last decision stays. */
function isSettled(before: readonly NicDecision[], { choice }: Compiled): boolean {
  return choice.settled && before.find((one) => one.chosen)?.nic === choice.chosen?.nic.name;
}

/** The record of the last decision, but for NICs that came later or are no candidates now. */
function recordOf(before: readonly NicDecision[], { decision, choice }: Compiled): readonly NicDecision[] {
  const candidates = new Set(choice.candidates.map(({ name }) => name));
  const told = new Map(before.map((one) => [one.nic, one]));
  return decision.map((one) => (candidates.has(one.nic) ? (told.get(one.nic) ?? one) : one));
}
