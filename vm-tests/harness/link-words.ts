import { checkValue, issueText } from "../../src/lib/schema-check.ts";
import { nearest } from "../../src/lib/nearest.ts";
import {
  type LinkProperties,
  LinkPropertiesSchema,
  linkContradictions,
  linkPropertyEntries,
} from "./link-properties.ts";

/** Words that stand alone. */
const flags: Readonly<Record<string, LinkProperties>> = {
  up: { carrier: "up" },
  down: { carrier: "down" },
  blackhole: { blackhole: true },
  clear: {},
};
const keys = Object.keys(linkPropertyEntries);
const booleans: Readonly<Record<string, boolean>> = { true: true, false: false };

/** Properties, or everything that is wrong with the words, one line each. */
export type LinkWordsResult =
  | { readonly properties: LinkProperties }
  | { readonly issues: readonly [string, ...string[]] };

/**
 * Reads the words of `lab link`: `down`, `up`, `blackhole`, `clear`, and `key=value` for each key of `LinkProperties`. The
 * jitter may stand with the delay: `delay=50ms±10`, `delay=50ms±10ms`, `delay=50ms+-10ms`; without a unit it has that of the delay.
 */
export function parseLinkWords(words: readonly string[]): LinkWordsResult {
  const [first, ...rest] = words;
  if (first === undefined) return { issues: [`no property was named: ${known()}`] };
  const issues: string[] = [];
  const found: Record<string, unknown> = {};
  const wordOf = new Map<string, string>();
  for (const word of [first, ...rest]) {
    const read = readWord(word);
    if (typeof read === "string") issues.push(read);
    else {
      for (const [key, value] of Object.entries(read)) {
        const before = wordOf.get(key);
        if (before !== undefined) issues.push(`"${word}": ${key} is set already by "${before}"`);
        found[key] = value;
        wordOf.set(key, word);
      }
    }
  }
  if (words.includes("clear") && Object.keys(found).some((key) => key !== "direction")) {
    issues.push('"clear": takes everything away, so only direction can stand beside it');
  }
  const checked = checkValue(LinkPropertiesSchema, found);
  if ("issues" in checked) {
    for (const issue of checked.issues) {
      const key = String(issue.path[0]);
      issues.push(`"${wordOf.get(key) ?? key}": ${key} ${issueText(issue)}`);
    }
  } else {
    issues.push(...linkContradictions(checked.output).map((issue) => `"${words.join(" ")}": ${issue}`));
    if (issues.length === 0) return { properties: checked.output };
  }
  const [one = "", ...others] = issues;
  return { issues: [one, ...others] };
}

/** The words for properties, which `parseLinkWords` reads back as the same; "clear" when there are none. Several have commas. */
export function formatLinkProperties(properties: LinkProperties | readonly LinkProperties[]): string {
  return [properties].flat().map(format).join(", ");
}

function format(properties: LinkProperties): string {
  const { carrier, blackhole, jitter, ...rest } = properties;
  const words = Object.entries({ carrier, blackhole, jitter, ...rest }).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (key === "carrier") return [String(value)];
    if (value === true) return [key];
    if (key === "delay" && jitter !== undefined) return [`delay=${value}±${jitter}`];
    return key === "jitter" && rest.delay !== undefined ? [] : [`${key}=${value}`];
  });
  const bare = Object.keys(properties).every((key) => key === "direction");
  return (bare ? ["clear", ...words] : words).join(" ");
}

function readWord(word: string): Readonly<Record<string, unknown>> | string {
  if (Object.hasOwn(flags, word)) return flags[word] ?? {};
  const at = word.indexOf("=");
  const key = at < 0 ? word : word.slice(0, at);
  if (at < 0 || !keys.includes(key)) {
    const meant = nearest(key, at < 0 ? [...Object.keys(flags), ...keys] : keys);
    if (at < 0 && keys.includes(key)) return `"${word}": ${key} needs a value, such as ${key}=${examples[key] ?? ""}`;
    return `"${word}": is no link property${meant === undefined ? ` (${known()})` : `, did you mean ${meant}?`}`;
  }
  const value = word.slice(at + 1);
  if (key === "blackhole") return { blackhole: Object.hasOwn(booleans, value) ? booleans[value] : value };
  if (key !== "delay") return { [key]: value };
  const [delay = "", jitter, ...more] = value.split(/±|\+\/?-/u);
  if (jitter === undefined) return { delay };
  if (more.length > 0) return `"${word}": delay has one jitter at most, such as delay=50ms±10ms`;
  const unit = /[a-z]+$/u.exec(delay.toLowerCase())?.[0] ?? "";
  return { delay, jitter: /\d$/u.test(jitter) ? `${jitter}${unit}` : jitter };
}

const examples: Readonly<Record<string, string>> = {
  carrier: "down",
  loss: "5%",
  corrupt: "1%",
  duplicate: "1%",
  delay: "50ms±10ms",
  jitter: "10ms",
  reorder: "25%",
  rate: "10mbit",
  direction: "to-guest",
};

function known(): string {
  const pairs = Object.entries(examples).map(([key, value]) => `${key}=${value}`);
  return `known: ${[...Object.keys(flags), ...pairs].join(", ")}`;
}
