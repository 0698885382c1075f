import { distance } from "fastest-levenshtein";
import { nearest } from "../../lib/nearest.ts";
import { BARE, KEYS } from "./keys.ts";
import { refuse, type Refusal } from "./refusal.ts";

const PREFIX = "netloom.";
const OURS = Object.keys(KEYS).filter((key) => key.startsWith(PREFIX));
/** Long enough that one wrong letter does not make another program's word of them. */
const LONG = Object.keys(KEYS).filter((key) => key.length >= 6 && !key.startsWith(PREFIX));

/** Said of a word that is nearly one of ours. */
export const NO_WORD = "is no word of Netloom";

/** Why a word looks like one of ours that was mistyped, or asks for what is done in another way here; undefined for other programs' words. */
export function findTypo(key: string, value: string | undefined): Refusal | undefined {
  if (key === "team" && value !== undefined)
    return refuse("teams are not supported", `bond=${value}:mode=active-backup`);
  const meant = meantKey(key);
  if (meant === undefined) return undefined;
  if (meant === "") return refuse(`${NO_WORD} (${OURS.join(", ")})`);
  return refuse(NO_WORD, value === undefined && BARE.has(meant) ? meant : `${meant}=${value ?? ""}`);
}

/** The nearest key of ours; "" when it has our prefix and is near to none. */
function meantKey(key: string): string | undefined {
  // "netloom_mtu", as the kernel would take it for its own parameters.
  const dot = /^netloom[_:-]/iu.test(key) ? PREFIX.length - 1 : key.indexOf(".");
  const prefix = dot === -1 ? "" : key.slice(0, dot + 1);
  if (prefix === PREFIX) return nearest(key, OURS) ?? "";
  if (Math.abs(prefix.length - PREFIX.length) <= 1 && distance(prefix.toLowerCase(), PREFIX) <= 2) {
    const whole = `${PREFIX}${key.slice(dot + 1)}`;
    return nearest(whole, OURS) ?? "";
  }
  return (
    LONG.find(
      (known) =>
        Math.abs(known.length - key.length) <= 1 &&
        known.includes(".") === key.includes(".") &&
        known.includes(":") === key.includes(":") &&
        distance(key, known) <= 1,
    ) ?? LONG.find((known) => known.toLowerCase() === key.toLowerCase())
  );
}
