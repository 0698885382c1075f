import { nearest } from "../../lib/nearest.ts";

/** Why a word, or a part of one, cannot be honoured. */
export interface Refusal {
  readonly refused: string;
  /** The nearest that could: of a word the whole word, of a part the part. */
  readonly nearest?: string;
}

/** A refusal of something that a table of known words does not have. */
export function refuseUnknown(word: string, what: string, known: readonly string[]): Refusal {
  const meant = nearest(word, known);
  return refuse(`${quote(word)} is no ${what} (${known.join(", ")})`, meant);
}

export function refuse(refused: string, meant?: string): Refusal {
  return meant === undefined ? { refused } : { refused, nearest: meant };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "refused" in value;
}

/** A refused part of a word, with the whole word as it could be: `place` puts the nearest part in its place. */
export function inWord(refusal: Refusal, place: (part: string) => string): Refusal {
  return refusal.nearest === undefined ? refusal : refuse(refusal.refused, place(refusal.nearest));
}

/** Text of the command line as a message shows it: no longer than that it can be read. */
export function quote(text: string): string {
  return `'${shorten(text)}'`;
}

/** Longest text that is shown whole. */
const SHOWN = 60;

/** As much of a text as a line has room for, without characters that would move a terminal's cursor. */
export function shorten(text: string, most: number = SHOWN): string {
  const shown = text.length <= most ? text : `${text.slice(0, most)}…`;
  return /\p{Cc}/u.test(shown) ? shown.replaceAll(/\p{Cc}/gu, "?") : shown;
}
