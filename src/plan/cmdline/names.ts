import * as v from "valibot";
import { Hostname } from "../../model/fields.ts";
import { looksLikeAddress, readHost } from "./fields.ts";
import { quote, refuse, type Refusal } from "./refusal.ts";

/** A host name of one or more labels. */
export function readHostname(text: string): string | Refusal {
  const read = v.safeParse(Hostname, text);
  return read.success ? text : refuse(`${quote(text)} ${read.issues[0].message}`);
}

/** An address or a host name. */
export function readTimeServer(text: string): string | Refusal {
  return looksLikeAddress(text) || text.includes(":") ? readHost(text) : readHostname(text);
}
