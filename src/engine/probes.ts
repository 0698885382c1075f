import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "../host/host.ts";
import { backoff } from "../lib/async.ts";
import { describeError } from "../lib/errors.ts";
import { uptime } from "../lib/uptime.ts";
import type { Answer, Asked, Question } from "../model/check.ts";
import type { ProbeFact } from "../model/facts.ts";

/** Between two questions while all is well, and at most while it is not. */
const CALM_MS = 10_000;
const FIRST_MS = 1000;
const MOST_MS = 60_000;

/** What a network answered. */
export type Answers = Pick<ProbeFact, "gateway4" | "gateway6" | "checks" | "answeredAt">;

interface Running {
  readonly key: string;
  readonly stop: AbortController;
}

/**
 * Asks networks beside the passes: an answer that takes seconds holds nothing up. What came out is a fact for the next pass, which is
 * asked for when it is another than before.
 */
export class Probes implements Disposable {
  readonly #host: Pick<Host, "ask">;
  readonly #onChange: () => void;
  readonly #running = new Map<string, Running>();
  readonly #answers: Map<string, Answers>;

  /** `before`: what was answered to the daemon before this one; it holds until it is asked anew. */
  constructor(host: Pick<Host, "ask">, before: Readonly<Record<string, Answers>>, onChange: () => void) {
    this.#host = host;
    this.#answers = new Map(Object.entries(before));
    this.#onChange = onChange;
  }

  /** What a NIC's network answered last; undefined when it was not asked. */
  of(nic: string): Answers | undefined {
    return this.#answers.get(nic);
  }

  /**
   * Asks these from now on, and no others. What is asked already in the same way goes on; another way keeps its answers until it
   * has new ones. @returns what is known now, by NIC
   */
  follow(wanted: readonly Asked[]): Readonly<Record<string, Answers>> {
    const names = new Set(wanted.map(({ nic }) => nic));
    for (const nic of this.#answers.keys()) if (!names.has(nic)) this.#answers.delete(nic);
    for (const [nic, { stop }] of this.#running) {
      if (names.has(nic)) continue;
      stop.abort();
      this.#running.delete(nic);
    }
    for (const asked of wanted) {
      const key = JSON.stringify(asked);
      const running = this.#running.get(asked.nic);
      if (running?.key === key) continue;
      running?.stop.abort();
      const stop = new AbortController();
      this.#running.set(asked.nic, { key, stop });
      void this.#ask(asked, stop.signal);
    }
    return Object.fromEntries(this.#answers);
  }

  [Symbol.dispose](): void {
    this.follow([]);
  }

  async #ask({ nic, question }: Asked, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      // A place that is gone says nothing about its network: the probe of a NIC that was chosen a moment ago goes before the next question.
      const answer = await this.#host
        .ask(question)
        .catch((error: unknown) => (this.#answers.has(nic) ? undefined : unasked(question, error)));
      if (signal.aborted) return;
      const passed = answer !== undefined && isPassed(answer);
      failures = passed ? 0 : failures + 1;
      if (answer !== undefined) this.#take(nic, answer, passed);
      const pause = passed ? CALM_MS : backoff(failures, FIRST_MS, MOST_MS);
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #take(nic: string, answer: Answer, passed: boolean): void {
    const before = this.#answers.get(nic);
    const { answeredAt, ...rest } = before ?? {};
    if (before !== undefined && JSON.stringify(rest) === JSON.stringify(answer)) return;
    this.#answers.set(nic, passed ? { ...answer, answeredAt: answeredAt ?? uptime() } : answer);
    this.#onChange();
  }
}

/** One family that answers is enough, as the choice has it. */
function isPassed({ gateway4, gateway6, checks }: Answer): boolean {
  return (gateway4?.passed === true || gateway6?.passed === true) && checks.every(({ passed }) => passed);
}

/** The answer of a network that could not even be asked. */
function unasked({ targets }: Question, error: unknown): Answer {
  const detail = describeError(error);
  return {
    gateway4: { name: "IPv4 gateway", passed: false, detail },
    checks: targets.map((name) => ({ name, passed: false, detail })),
  };
}
