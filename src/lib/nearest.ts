import { closest, distance } from "fastest-levenshtein";

/** The known word nearest to a mistyped one, or undefined when none is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(word.toLowerCase(), [...known]);
  return distance(word.toLowerCase(), best.toLowerCase()) <= Math.max(2, Math.floor(best.length / 3))
    ? best
    : undefined;
}

/** ", did you mean WORD?" for the known word nearest to a mistyped one; empty when none is near enough. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `, did you mean ${meant}?`;
}

/** "the lab has no node "n11", did you mean n1? (it has n1, n2)". */
export function unknownName(owner: string, kind: string, word: string, known: readonly string[]): string {
  const there = known.length === 0 ? `it has no ${kind}` : `it has ${known.join(", ")}`;
  const meant = didYouMean(word, known);
  return `${owner} has no ${kind} "${word}"${meant === "" ? `: ${there}` : `${meant} (${there})`}`;
}
