import type { ConfigProof, ConfigSource } from "../../model/boot-flags.ts";
import { refuse, shorten, type Refusal } from "./refusal.ts";

/**
 * The value of `netloom.config=`: `inline:BASE64`, `fw_cfg:NAME`, or `http(s)://…#sha256=HEX` or `#ed25519=KEY`, where URL.sig is the
 * signature.
 */
export function readConfig(value: string, word: string): ConfigSource | Refusal {
  if (value.startsWith("inline:")) {
    const base64 = value.slice("inline:".length);
    return isBase64(base64)
      ? { type: "inline", word: shorten(word), base64 }
      : refuse("what follows inline: is not base64");
  }
  if (value.startsWith("fw_cfg:")) {
    const name = value.slice("fw_cfg:".length);
    const safe = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/u.test(name) && !name.split("/").includes("..");
    return safe
      ? { type: "fw_cfg", word: shorten(word), name }
      : refuse("what follows fw_cfg: is not the name of a file, such as opt/netloom/config");
  }
  if (!/^https?:\/\//u.test(value)) return refuse("begins with none of inline:, http://, https://, fw_cfg:");
  const url = URL.parse(value);
  if (url === null) return refuse("is not a URL");
  const proof = readProof(url.hash);
  if (proof === undefined)
    return refuse(
      "a URL needs the digest of its content or the key that signed it: append #sha256=HEX (64 digits) or #ed25519=KEY (32 bytes in base64)",
    );
  url.hash = "";
  return { type: "url", word: shorten(word), url: url.href, proof };
}

/** Anyone on the boot network could answer in the server's place, so the text or its author has to be known beforehand. */
function readProof(hash: string): ConfigProof | undefined {
  const digest = /^#sha256=([0-9a-f]{64})$/iu.exec(hash)?.[1]?.toLowerCase();
  if (digest !== undefined) return { type: "sha256", digest };
  const key = /^#ed25519=([A-Za-z0-9+/_-]{43})=?$/u.exec(hash)?.[1];
  // The last of 43 digits has two bits to spare.
  return key === undefined || !/[AEIMQUYcgkosw048]$/u.test(key) ? undefined : { type: "ed25519", key };
}

/** Either alphabet of RFC 4648, padded or not. What lost a part of itself is told apart by its length where that is possible. */
function isBase64(text: string): boolean {
  const [, digits = "", padding = ""] = /^([A-Za-z0-9+/_-]+)(={0,2})$/u.exec(text) ?? [];
  return digits.length % 4 !== 1 && digits !== "" && (padding === "" || (digits.length + padding.length) % 4 === 0);
}
