import type { ConfigSource, RejectedWord } from "../model/boot-flags.ts";

export interface BootWords {
  readonly configs: readonly ConfigSource[];
  readonly rejected: readonly RejectedWord[];
}

const PREFIX = "netloom.config=";
/** Longest word that is shown whole. */
const SHOWN = 60;

/**
 * The words of a kernel command line that carry configuration:
 * `netloom.config=inline:BASE64`, `=http(s)://…#sha256=HEX`, `=fw_cfg:NAME`. A word that cannot be honoured is
 * rejected with its reason; the others hold.
 */
export function parseBootWords(cmdline: string): BootWords {
  const configs: ConfigSource[] = [];
  const rejected: RejectedWord[] = [];
  for (const word of cmdline.split(/\s+/u).filter((part) => part.startsWith(PREFIX))) {
    const parsed = parseConfigWord(word);
    if (typeof parsed === "string") rejected.push({ word: shorten(word), reason: parsed });
    else configs.push(parsed);
  }
  return { configs, rejected };
}

function parseConfigWord(word: string): ConfigSource | string {
  const value = word.slice(PREFIX.length);
  if (value.startsWith("inline:")) {
    const base64 = value.slice("inline:".length);
    return isBase64(base64) ? { type: "inline", word: shorten(word), base64 } : "what follows inline: is not base64";
  }
  if (value.startsWith("fw_cfg:")) {
    const name = value.slice("fw_cfg:".length);
    const safe = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/u.test(name) && !name.split("/").includes("..");
    return safe
      ? { type: "fw_cfg", word: shorten(word), name }
      : "what follows fw_cfg: is not the name of a file, such as opt/netloom/config";
  }
  if (!/^https?:\/\//u.test(value)) return "begins with none of inline:, http://, https://, fw_cfg:";
  const url = URL.parse(value);
  if (url === null) return "is not a URL";
  // Anyone on the boot network could answer in the server's place, so the text has to be known beforehand.
  const sha256 = /^#sha256=([0-9a-f]{64})$/u.exec(url.hash)?.[1];
  if (sha256 === undefined) return "a URL needs the digest of its content: append #sha256=HEX (64 digits)";
  url.hash = "";
  return { type: "url", word: shorten(word), url: url.href, sha256 };
}

/** Either alphabet of RFC 4648, padded or not. What lost a part of itself is told apart by its length where that is possible. */
function isBase64(text: string): boolean {
  const [, digits = "", padding = ""] = /^([A-Za-z0-9+/_-]+)(={0,2})$/u.exec(text) ?? [];
  return digits.length % 4 !== 1 && digits !== "" && (padding === "" || (digits.length + padding.length) % 4 === 0);
}

function shorten(word: string): string {
  return word.length <= SHOWN ? word : `${word.slice(0, SHOWN)}…`;
}
