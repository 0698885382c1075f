import { rm } from "node:fs/promises";
import { readIfExists, setAside, writeFileAtomic } from "../lib/atomic-file.ts";
import type { NftContent } from "./netlink-types.ts";

/** Where a WireGuard device has its UDP socket: the name of a namespace, and its inode, since another one may get that name. */
export interface Birth {
  readonly netns: string;
  readonly inode: number;
}

interface Content {
  /** The endpoint that we gave a peer last, by "netns/dev publicKey". */
  readonly endpoints: Record<string, string>;
  /** Fingerprints of preshared keys, likewise. */
  readonly presharedKeys: Record<string, string>;
  /** Our nftables tables as they were when they were as wished, by "netns/family name". */
  readonly nftTables: Record<string, NftContent>;
  /** Links of others that we made a port of a bridge, by "netns/name", with their index: a name may come back on another link. */
  readonly adopted: Record<string, number>;
  /** WireGuard devices that were not born in the node's own namespace, by "netns/name". */
  readonly births: Record<string, Birth>;
  /** What kernel parameters of other people's links were before we set them, by "netns/key". */
  readonly parameters: Record<string, string>;
}

/**
 * What the kernel does not remember for us and a restarted daemon must know.
 * It lives where the kernel's own state lives: a reboot loses both together.
 */
export class Records {
  readonly #path: string;
  #content: Content = { endpoints: {}, presharedKeys: {}, nftTables: {}, adopted: {}, births: {}, parameters: {} };
  #dirty = false;
  #problem: string | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Reads the records; a file that cannot be used is set aside, which costs one harmless re-application. */
  static async open(path: string): Promise<Records> {
    const records = new Records(path);
    const text = await readIfExists(path);
    const content = text === undefined ? undefined : parse(text);
    if (content !== undefined) records.#content = content;
    else if (text !== undefined)
      records.#problem = `${await setAside(path, "it is no JSON object")}; ports of other people's links that we made are not known as ours any more`;
    return records;
  }

  /** What was wrong with the file when it was opened. */
  get problem(): string | undefined {
    return this.#problem;
  }

  givenEndpoint(netns: string, dev: string, publicKey: string): string | null {
    return this.#content.endpoints[peerKey(netns, dev, publicKey)] ?? null;
  }

  setGivenEndpoint(netns: string, dev: string, publicKey: string, endpoint: string | undefined): void {
    const key = peerKey(netns, dev, publicKey);
    if (endpoint === undefined) delete this.#content.endpoints[key];
    else this.#content.endpoints[key] = endpoint;
    this.#dirty = true;
  }

  /** The fingerprint of a peer's preshared key; empty when it is not known. */
  presharedKey(netns: string, dev: string, publicKey: string): string {
    return this.#content.presharedKeys[peerKey(netns, dev, publicKey)] ?? "";
  }

  setPresharedKey(netns: string, dev: string, publicKey: string, fingerprint: string | undefined): void {
    const key = peerKey(netns, dev, publicKey);
    if (fingerprint === undefined) delete this.#content.presharedKeys[key];
    else this.#content.presharedKeys[key] = fingerprint;
    this.#dirty = true;
  }

  nftTable(netns: string, family: string, table: string): NftContent | undefined {
    return this.#content.nftTables[`${netns}/${family} ${table}`];
  }

  /** Remembers what a table of ours held, or with undefined no longer. */
  setNftTable(netns: string, family: string, table: string, content: NftContent | undefined): void {
    const key = `${netns}/${family} ${table}`;
    if (content === undefined) delete this.#content.nftTables[key];
    else this.#content.nftTables[key] = content;
    this.#dirty = true;
  }

  isAdopted(netns: string, name: string, index: number): boolean {
    return this.#content.adopted[`${netns}/${name}`] === index;
  }

  /** Remembers a link as adopted, or with undefined no longer. */
  setAdopted(netns: string, name: string, index: number | undefined): void {
    if (index === undefined) delete this.#content.adopted[`${netns}/${name}`];
    else this.#content.adopted[`${netns}/${name}`] = index;
    this.#dirty = true;
  }

  /** Where a WireGuard device was born; undefined is the node's own namespace. */
  birth(netns: string, dev: string): Birth | undefined {
    return this.#content.births[`${netns}/${dev}`];
  }

  setBirth(netns: string, dev: string, birth: Birth | undefined): void {
    const key = `${netns}/${dev}`;
    if (birth === undefined && this.#content.births[key] === undefined) return;
    if (birth === undefined) delete this.#content.births[key];
    else this.#content.births[key] = birth;
    this.#dirty = true;
  }

  /** What parameters of a namespace were before, by key. */
  parameters(netns: string): ReadonlyMap<string, string> {
    const [prefix, all] = [`${netns}/`, Object.entries(this.#content.parameters)];
    return new Map(all.flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])));
  }

  setParameter(netns: string, key: string, value: string | undefined): void {
    if (value === undefined) delete this.#content.parameters[`${netns}/${key}`];
    else this.#content.parameters[`${netns}/${key}`] = value;
    this.#dirty = true;
  }

  /** Forgets a namespace that is gone. */
  forgetNetns(netns: string): void {
    this.#keep((name) => name !== netns);
  }

  /** Forgets all namespaces but these: a crash may have come between the end of one and that of its records. */
  keepOnly(names: ReadonlySet<string>): void {
    this.#keep((name) => names.has(name));
  }

  #keep(test: (netns: string) => boolean): void {
    const gone = Object.values(this.#content).flatMap((part: Record<string, unknown>) =>
      Object.keys(part)
        .filter((key) => !test(netnsOf(key)))
        .map((key) => [part, key] as const),
    );
    for (const [part, key] of gone) delete part[key];
    this.#dirty ||= gone.length > 0;
  }

  /** Writes the records when they changed; without any there is no file. */
  async save(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    const empty = Object.values(this.#content).every((part) => Object.keys(part).length === 0);
    if (empty) await rm(this.#path, { force: true });
    else await writeFileAtomic(this.#path, `${JSON.stringify(this.#content)}\n`, 0o600);
  }
}

function parse(text: string): Content | undefined {
  try {
    const value = JSON.parse(text) as Partial<Content> | null;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return {
      endpoints: { ...value.endpoints },
      presharedKeys: { ...value.presharedKeys },
      nftTables: { ...value.nftTables },
      adopted: { ...value.adopted },
      births: { ...value.births },
      parameters: { ...value.parameters },
    };
  } catch {
    return undefined;
  }
}

/** The namespace of a key that begins with it; its name has no slash. */
function netnsOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

function peerKey(netns: string, dev: string, publicKey: string): string {
  return `${netns}/${dev} ${publicKey}`;
}
