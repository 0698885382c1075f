import { join } from "node:path";
import * as v from "valibot";
import { stringify } from "yaml";
import { readIfExists, removeSynced, writeFileAtomic } from "../lib/atomic-file.ts";
import { checkValue } from "../lib/schema-check.ts";
import { readYaml } from "../lib/yaml-source.ts";
import type { GuardReport } from "../model/guard.ts";

const Schema: v.GenericSchema<unknown, GuardReport> = v.strictObject({
  change: v.string(),
  state: v.picklist(["waiting", "confirmed", "reverted"]),
  uplinks: v.array(v.string()),
  checks: v.array(v.string()),
  secondsLeft: v.number(),
  message: v.string(),
});

/** The last change that was reverted, kept so that whoever looks later learns where it went. Null when there is none. */
export async function readReverted(root: string): Promise<GuardReport | null> {
  // It is told to people and decides nothing: what cannot be read is as good as lost.
  const text = await readIfExists(pathIn(root)).catch(() => undefined);
  const [part] = readYaml(text ?? "");
  if (part === undefined || "problems" in part) return null;
  const checked = checkValue(Schema, part.value);
  return "output" in checked ? checked.output : null;
}

export async function writeReverted(root: string, report: GuardReport): Promise<void> {
  await writeFileAtomic(pathIn(root), stringify(report), 0o600);
}

export async function removeReverted(root: string): Promise<void> {
  await removeSynced(pathIn(root));
}

function pathIn(root: string): string {
  return join(root, "reverted.yaml");
}
