import type { Group, ScenarioEntry } from "../harness/scenario-list.ts";
import { UsageError } from "./command.ts";

/** Part m of n. */
export type Shard = { readonly part: number; readonly of: number };

/** Reads "2/5". @throws UsageError. */
export function parseShard(text: string): Shard {
  const found = /^(\d+)\/(\d+)$/u.exec(text);
  const [part, of] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || of < 1 || part < 1 || part > of)
    throw new UsageError(`"${text}" is no shard: --shard 2/5 is the second part of five`);
  return { part, of };
}

/** Reads the name of a group. @throws UsageError. */
export function parseGroup(text: string): Group {
  if (text !== "smoke" && text !== "full") throw new UsageError(`"${text}" is no group: there are smoke and full`);
  return text;
}

/** The scenarios of a group: "full" has those of "smoke" too. */
export function ofGroup(entries: readonly ScenarioEntry[], group: Group): readonly ScenarioEntry[] {
  return group === "full" ? entries : entries.filter((entry) => entry.group === "smoke");
}

/**
 * One part of the scenarios. Every scenario is in exactly one part, the same in every run that has the same scenarios, and the
 * parts are of one size but for one. They are dealt out by name, so that those of one kind are spread over the parts.
 */
export function ofShard(entries: readonly ScenarioEntry[], { part, of }: Shard): readonly ScenarioEntry[] {
  const order = entries.map(({ name }) => name).toSorted();
  return entries.filter(({ name }) => order.indexOf(name) % of === part - 1);
}
