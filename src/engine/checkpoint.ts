import { join } from "node:path";
import * as v from "valibot";
import { stringify } from "yaml";
import { readIfExists, removeSynced, writeFileAtomic } from "../lib/atomic-file.ts";
import { describeError } from "../lib/errors.ts";
import { checkValue, issueText } from "../lib/schema-check.ts";
import { readYaml } from "../lib/yaml-source.ts";
import { checkDocument } from "../model/document-schema.ts";
import { KINDS, type Document, type Kind } from "../model/document.ts";
import type { Target } from "../model/kernel.ts";

/** A document that the change touches, as it was applied before; null when it was not. */
export interface ChangedDocument {
  readonly kind: Kind;
  readonly name: string;
  readonly before: Document | null;
}

/** Everything that is needed to undo a change that may have cut the node off. */
export interface Checkpoint {
  /** "apply Lan lab" */
  readonly change: string;
  /** The boot that `deadline` counts in. */
  readonly bootId: string;
  /** Seconds since the kernel started: unless it is confirmed, the change is reverted then. */
  readonly deadline: number;
  /** Checks that passed before the change. */
  readonly checks: readonly string[];
  /** The links that the change touches. */
  readonly uplinks: readonly string[];
  /** All links by which the node is reached, and what was on them. */
  readonly objects: Target;
  readonly documents: readonly ChangedDocument[];
}

const Objects = v.array(v.looseObject({ kind: v.picklist(["link", "address", "neighbor", "route", "rule"]) }));
const Schema = v.strictObject({
  change: v.string(),
  bootId: v.string(),
  deadline: v.number(),
  checks: v.array(v.string()),
  uplinks: v.array(v.string()),
  objects: Objects,
  documents: v.array(v.strictObject({ kind: v.picklist(KINDS), name: v.string(), before: v.unknown() })),
});

const HEAD = `# A change that waits for its connectivity check. At the deadline (seconds since the kernel started) it is reverted;
# \`netloom apply --confirm\` keeps it. Written and removed by the daemon.
`;

/** Where the checkpoint of a daemon is, under its root. */
export function checkpointPath(root: string): string {
  return join(root, "checkpoint.yaml");
}

/** Writes the checkpoint so that it is on the disk when this returns. */
export async function writeCheckpoint(root: string, checkpoint: Checkpoint): Promise<void> {
  await writeFileAtomic(
    checkpointPath(root),
    `${HEAD}${stringify(checkpoint, { aliasDuplicateObjects: false })}`,
    0o600,
  );
}

/** The checkpoint that waits, undefined when there is none. Throws with what is wrong with a damaged one. */
export async function readCheckpoint(root: string): Promise<Checkpoint | undefined> {
  const path = checkpointPath(root);
  const text = await readIfExists(path);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`${path}: ${describeError(error)}`, { cause: error });
  }
}

export async function removeCheckpoint(root: string): Promise<void> {
  await removeSynced(checkpointPath(root));
}

function parse(text: string): Checkpoint {
  const [part] = readYaml(text);
  if (part === undefined || "problems" in part) throw new Error(part?.problems[0]?.message ?? "it is empty");
  const checked = checkValue(Schema, part.value);
  if ("issues" in checked)
    throw new Error(checked.issues.map((issue) => `${issue.path.join(".")} ${issueText(issue)}`).join("; "));
  const { objects, documents, ...rest } = checked.output;
  return {
    ...rest,
    // What we wrote ourselves; a step that does not fit fails by itself.
    objects: objects as unknown as Target,
    documents: documents.map(({ kind, name, before }) => ({ kind, name, before: documentOf(kind, before) })),
  };
}

function documentOf(kind: Kind, value: unknown): Document | null {
  if (value === null) return null;
  const checked = checkDocument(kind, value);
  if ("issues" in checked) throw new Error(`${kind}: ${checked.issues.map(issueText).join("; ")}`);
  return checked.document;
}
