import { NO_FLAGS, type BootFlags } from "../../model/boot-flags.ts";
import type { Refusal } from "./refusal.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The flags while they are read: each word adds to them. */
export interface Draft extends Mutable<BootFlags> {
  words: Record<string, readonly string[]>;
  /** A word gave the host name that is about nothing else. */
  named: boolean;
  /** False by `rd.bootif=0`. */
  usesBootif: boolean;
  /** Names that a word makes or gives, and the word. */
  readonly made: Map<string, string>;
  /** What is a part of a bond or bridge, and the word. */
  readonly parts: Map<string, string>;
}

/** Takes a word's value over into the flags, or says why not; what is refused leaves them as they are. */
export type ReadWord = (draft: Draft, value: string, word: string) => Refusal | undefined;

export function emptyDraft(): Draft {
  return { ...NO_FLAGS, interfaces: {}, words: {}, named: false, usesBootif: true, made: new Map(), parts: new Map() };
}

/** Notes which word set a field. */
export function note(draft: Draft, field: string, word: string): void {
  draft.words[field] = [...(draft.words[field] ?? []), word];
}
