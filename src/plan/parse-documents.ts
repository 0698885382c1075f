import { LineCounter, parseAllDocuments, isMap, isNode, isScalar, type Document as YamlDocument } from "yaml";
import { describeError } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import { checkDocument, type SchemaIssue } from "../model/document-schema.ts";
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
    const lines = new LineCounter();
    const parts = parseAllDocuments(file.text, { lineCounter: lines, uniqueKeys: true, schema: "core" });
    for (const part of Array.isArray(parts) ? parts : []) {
      const outcome = parseOne(part, lines);
      if ("document" in outcome) {
        const line = lineOf(part, lines, []);
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
  | { readonly document: Document }
  | { readonly issues: readonly Pick<Issue, "line" | "key" | "message">[] };

function parseOne(part: YamlDocument.Parsed, lines: LineCounter): Outcome {
  if (part.errors.length > 0) {
    return {
      issues: part.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        message: withoutKeys(error.message.split("\n")[0] ?? ""),
      })),
    };
  }
  let value: unknown;
  try {
    value = part.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // An alias without its anchor, or aliases that would fill the memory.
    return { issues: [{ line: lineOf(part, lines, []), message: withoutKeys(describeError(error)) }] };
  }
  if (value === null || value === undefined) return { issues: [] };
  const line = (path: readonly (string | number)[]): number => lineOf(part, lines, path);
  const kind = kindOf(value);
  if (kind === undefined) return { issues: [kindIssue(value, line)] };
  const checked = checkDocument(kind, value);
  if ("document" in checked) return checked;
  return {
    issues: checked.issues.map((issue) => ({
      line: line(issue.path),
      key: issue.path.join("."),
      message: textOf(issue),
    })),
  };
}

/** The YAML library's messages may quote the text; a key that someone put in a wrong place must not get out by that. */
function withoutKeys(message: string): string {
  return message.replaceAll(/[A-Za-z0-9+/]{16,}={0,2}/gu, "…");
}

function kindOf(value: unknown): Kind | undefined {
  if (typeof value !== "object" || value === null || !("kind" in value)) return undefined;
  return KINDS.find((kind) => kind === value.kind);
}

function kindIssue(value: unknown, line: (path: readonly string[]) => number): Pick<Issue, "line" | "key" | "message"> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { line: line([]), message: "is no document: a mapping with apiVersion, kind and name is expected" };
  }
  const known = `a document is one of ${KINDS.join(", ")}`;
  if (!("kind" in value)) return { line: line([]), key: "kind", message: `is missing: ${known}` };
  const word = String(value.kind);
  const meant = nearest(word, KINDS);
  return {
    line: line(["kind"]),
    key: "kind",
    message: `'${word}' is unknown${meant === undefined ? "" : `, did you mean ${meant}?`} (${known})`,
  };
}

function textOf(issue: SchemaIssue): string {
  if (issue.knownKeys === undefined) return issue.message;
  const meant = nearest(String(issue.path.at(-1)), issue.knownKeys);
  return `${issue.message}${meant === undefined ? ` (known: ${issue.knownKeys.join(", ")})` : `, did you mean ${meant}?`}`;
}

/** The line of the key at a path, or of its nearest parent when the key itself is absent. */
function lineOf(part: YamlDocument.Parsed, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = depth === 1 ? part.contents : part.getIn(path.slice(0, depth - 1), true);
    const last = path[depth - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === last) : undefined;
    const node: unknown = pair?.key ?? (isMap(parent) ? undefined : part.getIn(path.slice(0, depth), true));
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  const start = part.contents?.range?.[0] ?? part.range[0];
  return lines.linePos(start).line;
}
