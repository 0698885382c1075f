import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import { readIfExists, writeFileAtomic } from "../lib/atomic-file.ts";
import { Queue } from "../lib/async.ts";
import { NetloomError } from "../lib/errors.ts";
import { Secret } from "../lib/secret.ts";
import type { WireguardKeyFact } from "../model/facts.ts";
import type { WireguardKeys } from "./host.ts";

/** PKCS#8 header of an X25519 private key (RFC 8410): the 32 raw bytes follow. */
const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const RAW_BYTES = 32;

export interface KeyFilesOptions {
  /** Where the keys are. */
  readonly directory: string;
  /** Where it is noted which keys this boot made: a place that a reboot empties. */
  readonly newKeys: string;
  /** Told of each key that is made: others have to know its public half. */
  readonly onNew?: (resource: string, publicKey: string) => void;
}

/** Keys as files `<resource>.key` of mode 0600 in a directory, base64 as `wg genkey` writes them. */
export class KeyFiles implements WireguardKeys {
  readonly #directory: string;
  readonly #newKeys: string;
  readonly #onNew: (resource: string, publicKey: string) => void;
  readonly #known = new Map<string, WireguardKeyFact>();
  /** One at a time: two callers that both found no key would each make one, and the first be told a wrong one. */
  readonly #writes = new Queue();

  constructor({ directory, newKeys, onNew = () => undefined }: KeyFilesOptions) {
    this.#directory = directory;
    this.#newKeys = newKeys;
    this.#onNew = onNew;
  }

  ensure(resource: string, given?: Secret): Promise<WireguardKeyFact> {
    return this.#writes.run(async () => {
      const known = this.#known.get(resource);
      if (known !== undefined && (given === undefined || given.reveal() === known.privateKey.reveal())) return known;
      const stored = given === undefined ? await this.#read(resource) : undefined;
      const fact = stored ?? (given === undefined ? generate() : fromPrivate(given));
      const made = stored === undefined && given === undefined;
      // Before the key, so that no crash makes a new one look like one of before.
      if (made) await writeFileAtomic(join(this.#newKeys, resource), "");
      else if (given !== undefined) await rm(join(this.#newKeys, resource), { force: true });
      if (stored === undefined) await writeFileAtomic(this.#path(resource), `${fact.privateKey.reveal()}\n`, 0o600);
      this.#known.set(resource, fact);
      if (made) this.#onNew(resource, fact.publicKey);
      return fact;
    });
  }

  async peek(resource: string, given?: Secret): Promise<WireguardKeyFact | undefined> {
    return given === undefined ? await this.#read(resource) : fromPrivate(given);
  }

  remove(resource: string): Promise<void> {
    return this.#writes.run(async () => {
      this.#known.delete(resource);
      await rm(this.#path(resource), { force: true });
      await rm(join(this.#newKeys, resource), { force: true });
    });
  }

  async since(resource: string): Promise<"boot" | "disk"> {
    return (await readIfExists(join(this.#newKeys, resource))) === undefined ? "disk" : "boot";
  }

  async #read(resource: string): Promise<WireguardKeyFact | undefined> {
    const text = await readIfExists(this.#path(resource));
    if (text === undefined) return undefined;
    await chmod(this.#path(resource), 0o600);
    return fromPrivate(new Secret(text.trim()), this.#path(resource));
  }

  #path(resource: string): string {
    return join(this.#directory, `${resource}.key`);
  }
}

function generate(): WireguardKeyFact {
  const { privateKey } = generateKeyPairSync("x25519");
  const raw = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-RAW_BYTES);
  return { privateKey: new Secret(raw.toString("base64")), publicKey: publicOf(privateKey) };
}

export function fromPrivate(secret: Secret, path: string = "the document"): WireguardKeyFact {
  const raw = Buffer.from(secret.reveal(), "base64");
  if (raw.length !== RAW_BYTES) {
    throw new NetloomError({
      code: "invalid",
      op: "read the WireGuard key in",
      target: path,
      why: `it is not ${RAW_BYTES} bytes in base64`,
      hint: "remove the file to have a new key made",
    });
  }
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, raw]), format: "der", type: "pkcs8" });
  return { privateKey: secret, publicKey: publicOf(key) };
}

function publicOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-RAW_BYTES).toString("base64");
}
