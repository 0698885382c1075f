import { setTimeout as delay } from "node:timers/promises";
import { describeError, errorCode, NetloomError } from "../lib/errors.ts";
import type { Client } from "../sdk/client.ts";
import { UsageError } from "./usage.ts";

/** How long one question to the daemon waits at most, and the pause when nobody is there to be asked. */
const ASK_SECONDS = 2;
const PAUSE_MS = 250;

/**
 * `netloom wait-online [--timeout S]`: ends with 0 as soon as the node is online, and with 1 when it is not after so many seconds; it
 * waits for ever when none are given. A daemon that is not there yet, or is being restarted, is waited for too.
 */
export async function waitOnlineCommand(client: Client, words: readonly string[], timeout?: string): Promise<number> {
  if (words.length > 0) throw new UsageError(`wait-online takes no words, and got ${words.join(" ")}`);
  const end = performance.now() + secondsOf(timeout) * 1000;
  let why = "";
  for (;;) {
    const left = (end - performance.now()) / 1000;
    try {
      const answer = await client.waitOnline(Math.max(0, Math.min(ASK_SECONDS, left)));
      if (answer.online) return 0;
      why = answer.why;
    } catch (error) {
      if (errorCode(error) !== "unreachable") throw error;
      why = describeError(error);
      await delay(Math.min(PAUSE_MS, Math.max(0, end - performance.now())));
    }
    if (performance.now() < end) continue;
    throw new NetloomError({
      code: "timeout",
      op: "wait until",
      target: "the node is online",
      why: `it was not within ${timeout ?? ""} s${why === "" ? "" : `: ${why}`}`,
      hint: "`netloom status` says what is missing",
    });
  }
}

function secondsOf(word: string | undefined): number {
  if (word === undefined) return Number.POSITIVE_INFINITY;
  if (/^\d{1,6}(?:\.\d+)?$/u.test(word)) return Number(word);
  throw new UsageError(`--timeout needs a number of seconds, not '${word}'`);
}
