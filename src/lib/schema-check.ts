import * as v from "valibot";
import { didYouMean, nearest } from "./nearest.ts";
import type { ValuePath } from "./yaml-source.ts";

/** One thing wrong with a value, and where: the path of keys and list positions to it. */
export interface SchemaIssue {
  readonly path: ValuePath;
  readonly message: string;
  /** Set when the path ends in a key that the schema does not have: the keys that it does have. */
  readonly knownKeys?: readonly string[];
}

/** Checks a value against a schema of strict objects; all issues are found at once, every unknown key among them. */
export function checkValue<T>(
  schema: v.GenericSchema<unknown, T>,
  value: unknown,
): { readonly output: T } | { readonly issues: readonly SchemaIssue[] } {
  const result = v.safeParse(schema, value);
  if (result.success) return { output: result.output };
  // Valibot stops at the first unknown key of an object; the walk below finds them all.
  const others = result.issues.filter((issue) => issue.expected !== "never");
  return { issues: [...others.map((issue) => toIssue(issue)), ...unknownKeys(schema, value, [])] };
}

/** What an issue says, with the nearest known key where one was mistyped. */
export function issueText({ path, message, knownKeys }: SchemaIssue): string {
  if (knownKeys === undefined) return message;
  const key = String(path.at(-1));
  return nearest(key, knownKeys) === undefined
    ? `${message} (known: ${knownKeys.join(", ")})`
    : `${message}${didYouMean(key, knownKeys)}`;
}

function toIssue(issue: v.BaseIssue<unknown>): SchemaIssue {
  const path = (issue.path ?? []).map((item) => (typeof item.key === "number" ? item.key : String(item.key)));
  if (issue.type !== "strict_object") return { path, message: issue.message };
  return { path, message: issue.received === "undefined" ? "is missing" : "is no mapping of keys to values" };
}

function unknownKeys(schema: unknown, value: unknown, path: ValuePath): readonly SchemaIssue[] {
  const shape = unwrap(schema, value);
  if (Array.isArray(value) && "item" in shape) {
    return value.flatMap((member, index) => unknownKeys(shape.item, member, [...path, index]));
  }
  if (typeof value !== "object" || value === null || !("entries" in shape)) return [];
  const entries = shape.entries as Readonly<Record<string, unknown>>;
  return Object.entries(value).flatMap(([key, member]) => {
    const at = [...path, key];
    if (Object.hasOwn(entries, key)) return unknownKeys(entries[key], member, at);
    return [{ path: at, message: "is not a known key", knownKeys: Object.keys(entries) }];
  });
}

/**
 * Valibot keeps the schema behind `optional` in `wrapped`, list items in `item`, members in `entries`, and what `lazy` chooses
 * by the value behind `getter`.
 */
function unwrap(schema: unknown, value: unknown): object {
  if (typeof schema !== "object" || schema === null) return {};
  if ("wrapped" in schema) return unwrap(schema.wrapped, value);
  if ("getter" in schema && typeof schema.getter === "function") {
    const chosen: unknown = schema.getter(value);
    return unwrap(chosen, value);
  }
  return schema;
}
