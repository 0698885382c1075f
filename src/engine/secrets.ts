import type { WireguardKeys } from "../host/host.ts";
import { Secret } from "../lib/secret.ts";
import type { Document } from "../model/document.ts";

/** The private key that a document brings along. */
export function givenKey(document: Document): Secret | undefined {
  const key = document.kind === "NetworkResource" ? document.wireguard?.privateKey : undefined;
  return key === undefined ? undefined : new Secret(key);
}

/**
 * Moves the private keys that documents bring into the node's 0600 files. What is returned says "the node's key" by
 * leaving it out, and is all that is kept, shown and written elsewhere.
 */
export async function takeKeys(documents: readonly Document[], keys: WireguardKeys): Promise<readonly Document[]> {
  for (const document of documents) {
    const given = givenKey(document);
    if (given !== undefined) await keys.ensure(document.name, given);
  }
  return documents.map(withoutSecret);
}

/** The document as it is kept and shown. */
export function withoutSecret(document: Document): Document {
  if (document.kind !== "NetworkResource" || document.wireguard === undefined) return document;
  const { privateKey: _private, ...wireguard } = document.wireguard;
  return { ...document, wireguard };
}
