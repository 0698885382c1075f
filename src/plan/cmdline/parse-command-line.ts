import type { BootFlags, RejectedWord } from "../../model/boot-flags.ts";
import { emptyDraft } from "./draft.ts";
import { BARE, KEYS } from "./keys.ts";
import { inWord, refuse, shorten, type Refusal } from "./refusal.ts";
import { splitWords, type Word } from "./split.ts";
import { findTypo, NO_WORD } from "./typos.ts";

/** What a kernel command line says to Netloom. */
export interface CommandLine {
  readonly flags: BootFlags;
  /** Words of ours that cannot be honoured, in their order; the others hold. */
  readonly rejected: readonly RejectedWord[];
}

/**
 * Reads the words that are Netloom's (docs/kernel-flags.md); those of other programs are nobody's business. It never fails:
 * a word that cannot be honoured is named with its reason and the nearest that could. Pure.
 */
export function parseCommandLine(text: string): CommandLine {
  const draft = emptyDraft();
  const rejected: RejectedWord[] = [];
  for (const word of splitWords(text)) {
    const refusal = readWord(word, draft);
    if (refusal !== undefined) rejected.push(rejectedWord(word, withValid(refusal)));
  }
  const { made: _made, parts: _parts, named: _named, usesBootif, ...flags } = draft;
  if (usesBootif) return { flags, rejected };
  const { bootif: _bootif, ...others } = flags;
  return { flags: others, rejected };
}

function readWord({ text, key, value }: Word, draft: ReturnType<typeof emptyDraft>): Refusal | undefined {
  const read = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (read === undefined) return findTypo(key, value);
  if (value === undefined && !BARE.has(key)) return refuse("has no value");
  const refusal = read(draft, value ?? "", text);
  return refusal === undefined ? undefined : inWord(refusal, (valid) => `${key}=${valid}`);
}

/** So often a word may be put right: its key, then parts of its value. */
const CORRECTIONS = 4;

/**
 * A refusal whose nearest word could be honoured, at least alone. One that could not is put right as far as that goes; what then remains
 * is said instead, since nobody is helped by another word that will be refused.
 */
function withValid({ refused, nearest }: Refusal): Refusal {
  let meant = nearest;
  for (let count = 0; meant !== undefined && count < CORRECTIONS; count += 1) {
    const [word, ...more] = splitWords(meant);
    if (word === undefined || more.length > 0) break;
    const again = readWord(word, emptyDraft());
    if (again === undefined) return refuse(refused, meant);
    if (again.nearest === undefined && count === 0 && refused === NO_WORD)
      return refuse(`${refused}, and ${shorten(word.key)}= would not do: ${again.refused}`);
    meant = again.nearest;
  }
  return refuse(refused);
}

/** Longest word that is shown whole; one that carries a document may be longer, and hold a secret at its end. */
const SHOWN = 200;

function rejectedWord({ text, key }: Word, { refused, nearest }: Refusal): RejectedWord {
  const word = key === "netloom.config" ? shorten(text) : shorten(text, SHOWN);
  return { word, reason: refused, ...(nearest === undefined ? {} : { hint: shorten(nearest, SHOWN) }) };
}
