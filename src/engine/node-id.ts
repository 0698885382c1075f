import { join } from "node:path";
import { readIfExists, writeFileAtomic } from "../lib/atomic-file.ts";
import type { NicFact } from "../model/facts.ts";

/**
 * What tells the node from all others, for the MACs that are made from it. It is what the file `node-id` says, which a person may
 * write: a node of Zero-OS keeps its public MAC by the id that it had there. Else it is the MAC of the first NIC, so that a node
 * without a disk has the same one after each boot; written down with the first public side, it stays when NICs come and go.
 */
export class NodeId {
  readonly #path: string;
  #id: string | undefined;
  #kept = false;

  constructor(stateDir: string) {
    this.#path = join(stateDir, "node-id");
  }

  /** The id; undefined while there is neither a file nor a NIC. */
  async of(nics: readonly NicFact[]): Promise<string | undefined> {
    if (this.#id !== undefined) return this.#id;
    const written = (await readIfExists(this.#path))?.trim();
    this.#kept = written !== undefined && written !== "";
    this.#id = this.#kept ? written : firstMac(nics);
    return this.#id;
  }

  /** Writes it down. */
  async keep(): Promise<void> {
    if (this.#kept || this.#id === undefined) return;
    await writeFileAtomic(this.#path, `${this.#id}\n`);
    this.#kept = true;
  }
}

function firstMac(nics: readonly NicFact[]): string | undefined {
  const [first] = nics.toSorted((a, b) => Number(b.physical) - Number(a.physical) || (a.name < b.name ? -1 : 1));
  return first?.permanentMac ?? first?.mac;
}
