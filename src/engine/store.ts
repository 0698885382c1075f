import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { removeSynced, setAside, writeFilesAtomic } from "../lib/atomic-file.ts";
import { documentId, documentIdentity, KINDS, type Document, type Kind } from "../model/document.ts";
import { formatIssue } from "../model/report.ts";
import { parseDocuments } from "../plan/parse-documents.ts";
import { cannotKeep, readYamlFiles } from "./yaml-files.ts";

/** Where a document came from; a later layer wins over an earlier one. */
export type Source = "config" | "boot" | "applied";
const LAYERS: readonly Source[] = ["config", "boot", "applied"];

/** For sorting: documents of the layer that wins come first. */
export function byPrecedence(a: StoredDocument, b: StoredDocument): number {
  return LAYERS.indexOf(b.source) - LAYERS.indexOf(a.source);
}

export interface StoredDocument {
  readonly document: Document;
  readonly source: Source;
}

/**
 * The desired state: documents from the configuration directory, from the kernel command line, and applied ones.
 * Applied ones are kept as YAML under the daemon's root, one file each, so that people can read them.
 */
export class DocumentStore {
  readonly #directory: string;
  readonly #layers: Readonly<Record<Source, Map<string, Document>>> = {
    config: new Map(),
    boot: new Map(),
    applied: new Map(),
  };

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads what was applied before. A damaged file is set aside and named in the result; the rest is read. */
  async load(): Promise<readonly string[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const { files, problems } = await readYamlFiles(this.#directory);
    for (const file of files) {
      const { documents, issues } = parseDocuments([file]);
      if (issues.length === 0)
        for (const document of documents) this.#layers.applied.set(documentIdentity(document), document);
      else problems.push(await setAside(file.name, issues.map(formatIssue).join("; ")));
    }
    return problems;
  }

  /** Replaces the documents of a layer that is not written to disk. */
  setLayer(source: "config" | "boot", documents: readonly Document[]): void {
    this.#layers[source].clear();
    for (const document of documents) this.#layers[source].set(documentIdentity(document), document);
  }

  /** All documents that hold, in the order of kinds and names; `added` as if they were applied. */
  all(added: readonly Document[] = []): readonly StoredDocument[] {
    const merged = new Map<string, StoredDocument>();
    for (const source of LAYERS)
      for (const [key, document] of this.#layers[source]) merged.set(key, { document, source });
    for (const document of added) merged.set(documentIdentity(document), { document, source: "applied" });
    const rank = ({ document }: StoredDocument): string => `${KINDS.indexOf(document.kind)} ${document.name}`;
    return [...merged.values()].toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }

  find(kind: Kind, name: string): StoredDocument | undefined {
    return this.all().find(({ document }) => document.kind === kind && document.name === name);
  }

  /** Keeps documents as applied ones, all or, when they cannot be written, none of them. */
  async put(documents: readonly Document[]): Promise<void> {
    try {
      await writeFilesAtomic(
        documents.map((document) => ({ path: this.#path(document), content: stringify(document) })),
        0o600,
      );
    } catch (error) {
      throw cannotKeep(documents.map(documentId).join(", "), this.#directory, error);
    }
    for (const document of documents) this.#layers.applied.set(documentIdentity(document), document);
  }

  /** The applied document of the same identity, whatever other layers say. */
  applied(document: Pick<Document, "kind" | "name">): Document | undefined {
    return this.#layers.applied.get(documentIdentity(document));
  }

  async remove(document: Pick<Document, "kind" | "name">): Promise<void> {
    await removeSynced(this.#path(document));
    this.#layers.applied.delete(documentIdentity(document));
  }

  #path(document: Pick<Document, "kind" | "name">): string {
    return join(this.#directory, `${documentIdentity(document).replace(" ", "-")}.yaml`);
  }
}
