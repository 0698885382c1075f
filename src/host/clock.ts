import { readIfExists } from "../lib/atomic-file.ts";
import type { ClockFact } from "../model/facts.ts";
import { clockSynchronised } from "./addon.ts";

/** chronyd tells the kernel so long after its start that the clock is right; until then the first correction counts. */
const TAKES_OVER_SECONDS = 60;

/** What the kernel and our time client say of the clock. `corrected` is the file of `plan/clock.ts`; `now` in seconds since the kernel started. */
export async function readClock(corrected: string, now: number): Promise<ClockFact> {
  const at = Number.parseFloat((await readIfExists(corrected)) ?? "");
  const known = at <= now;
  const synchronised = clockSynchronised() || (known && now - at < TAKES_OVER_SECONDS);
  return known ? { synchronised, since: at } : { synchronised };
}
