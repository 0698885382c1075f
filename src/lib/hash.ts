import { createHash } from "node:crypto";

/** JSON text with sorted object keys, so that equal values give equal text. `undefined` members are left out. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The first `length` hexadecimal digits of the SHA-256 of a text. */
export function shortHash(text: string, length: number = 16): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

/** A hash that is equal for equal values, whatever the order of their keys. */
export function valueHash(value: unknown): string {
  return shortHash(stableJson(value));
}
