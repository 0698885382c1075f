import type { WireguardKeys } from "../host/host.ts";
import { describeError } from "../lib/errors.ts";
import { documentId, type Document } from "../model/document.ts";
import { formatIssue } from "../model/report.ts";
import type { ConfigSource } from "../model/boot-flags.ts";
import { parseDocuments, type SourceFile } from "../plan/parse-documents.ts";
import { givenKey, takeKeys, withoutSecret } from "./secrets.ts";
import type { DocumentStore } from "./store.ts";

/** Tells of a problem under a topic; undefined ends it. */
export type ReportProblem = (topic: string, problem: string | undefined) => void;

/** A configuration that was read, with the place that it came from. */
export interface BootFile {
  readonly source: ConfigSource;
  readonly file: SourceFile;
}

interface LayersOptions {
  readonly store: DocumentStore;
  readonly keys: WireguardKeys;
  readonly report: ReportProblem;
}

/** Fills the layers of documents that nobody applied. What is wrong in them is reported, and the node goes on without it. */
export class Layers {
  readonly #options: LayersOptions;

  constructor(options: LayersOptions) {
    this.#options = options;
  }

  async setConfig(files: readonly SourceFile[]): Promise<void> {
    await this.#set("config", this.#parse(files));
  }

  async setBoot(files: readonly BootFile[]): Promise<void> {
    const documents = files.flatMap(({ source, file }) => {
      const parsed = this.#parse([file]);
      return source.type === "inline" ? parsed.filter((document) => this.#isFit(document)) : parsed;
    });
    await this.#set("boot", documents);
  }

  /** The kernel's command line is no place for a key. */
  #isFit(document: Document): boolean {
    if (givenKey(document) === undefined) return true;
    const problem = `kernel command line: ${documentId(document)} rejected: every user of this machine can read its wireguard.privateKey there; leave the key out, or give the document by fw_cfg`;
    this.#options.report(problem, problem);
    return false;
  }

  #parse(files: readonly SourceFile[]): readonly Document[] {
    const { documents, issues } = parseDocuments(files);
    for (const issue of issues) this.#options.report(formatIssue(issue), formatIssue(issue));
    return documents;
  }

  async #set(layer: "config" | "boot", documents: readonly Document[]): Promise<void> {
    const { store, keys, report } = this.#options;
    const topic = `keys of ${layer}`;
    try {
      store.setLayer(layer, await takeKeys(documents, keys));
      report(topic, undefined);
    } catch (error) {
      report(topic, describeError(error));
      store.setLayer(layer, documents.map(withoutSecret));
    }
  }
}
