import { didYouMean } from "../lib/nearest.ts";
import { issueText } from "../lib/schema-check.ts";
import { readYaml, type ValuePath, type YamlPart } from "../lib/yaml-source.ts";
import { checkDocument } from "../model/document-schema.ts";
import { documentId, documentIdentity, KINDS, type Document, type Kind } from "../model/document.ts";
import type { Issue } from "../model/report.ts";

/** A text with the name under which messages speak of it. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

export interface ParsedDocuments {
  readonly documents: readonly Document[];
  readonly issues: readonly Issue[];
}

/**
 * Reads YAML texts, each with any number of documents. Everything wrong with all of them is reported at once,
 * with file, line and key; a document with an issue is left out.
 */
export function parseDocuments(files: readonly SourceFile[]): ParsedDocuments {
  const documents: Document[] = [];
  const issues: Issue[] = [];
  const places = new Map<string, string>();
  for (const file of files) {
    for (const part of readYaml(file.text)) {
      const outcome = parseOne(part);
      if ("document" in outcome) {
        const { line } = outcome;
        const id = documentIdentity(outcome.document);
        const first = places.get(id);
        places.set(id, first ?? `${file.name}:${line}`);
        if (first === undefined) documents.push(outcome.document);
        else
          issues.push({
            file: file.name,
            line,
            documents: [documentId(outcome.document)],
            message: `${id === "Node" ? "a Node, of which there is one," : id} is declared already at ${first}`,
          });
      } else issues.push(...outcome.issues.map((issue) => ({ file: file.name, documents: [], ...issue })));
    }
  }
  return { documents, issues };
}

type Outcome =
  | { readonly document: Document; readonly line: number }
  | { readonly issues: readonly Pick<Issue, "line" | "key" | "message">[] };

function parseOne(part: YamlPart): Outcome {
  if ("problems" in part) return { issues: part.problems };
  const { value, line } = part;
  if (value === null) return { issues: [] };
  const kind = kindOf(value);
  if (kind === undefined) return { issues: [kindIssue(value, line)] };
  const checked = checkDocument(kind, value);
  if ("document" in checked) return { ...checked, line: line([]) };
  return {
    issues: checked.issues.map((issue) => ({
      line: line(issue.path),
      key: issue.path.join("."),
      message: issueText(issue),
    })),
  };
}

function kindOf(value: unknown): Kind | undefined {
  if (typeof value !== "object" || value === null || !("kind" in value)) return undefined;
  return KINDS.find((kind) => kind === value.kind);
}

function kindIssue(value: unknown, line: (path: ValuePath) => number): Pick<Issue, "line" | "key" | "message"> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { line: line([]), message: "is no document: a mapping with apiVersion, kind and name is expected" };
  }
  const known = `a document is one of ${KINDS.join(", ")}`;
  if (!("kind" in value)) return { line: line([]), key: "kind", message: `is missing: ${known}` };
  const word = String(value.kind);
  return {
    line: line(["kind"]),
    key: "kind",
    message: `'${word}' is unknown${didYouMean(word, KINDS)} (${known})`,
  };
}
