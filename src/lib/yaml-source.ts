import { LineCounter, parseAllDocuments, isMap, isNode, isScalar, type Document as YamlDocument } from "yaml";
import { describeError } from "./errors.ts";

/** A path of keys and list positions into a value. */
export type ValuePath = readonly (string | number)[];

/** One document of a YAML text: its value with the lines of what is in it, or what is wrong with its syntax. */
export type YamlPart =
  | {
      readonly value: unknown;
      /** The line, from 1, of the key at a path, or of its nearest parent when the key itself is absent. */
      readonly line: (path: ValuePath) => number;
    }
  | { readonly problems: readonly { readonly line: number; readonly message: string }[] };

/** Reads all documents of a YAML text (core schema of YAML 1.2, no key twice). Empty ones have the value null. */
export function readYaml(text: string): readonly YamlPart[] {
  const lines = new LineCounter();
  const parts = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, schema: "core" });
  return Array.isArray(parts) ? parts.map((part) => readPart(part, lines)) : [];
}

function readPart(part: YamlDocument.Parsed, lines: LineCounter): YamlPart {
  if (part.errors.length > 0) {
    return {
      problems: part.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        message: withoutKeys(withoutPlace(error.message.split("\n")[0] ?? "")),
      })),
    };
  }
  const line = (path: ValuePath): number => lineOf(part, lines, path);
  try {
    const value: unknown = part.toJS({ maxAliasCount: 100 });
    return { value: value ?? null, line };
  } catch (error) {
    // An alias without its anchor, or aliases that would fill the memory.
    return { problems: [{ line: line([]), message: withoutKeys(describeError(error)) }] };
  }
}

/** The line is told already. */
function withoutPlace(message: string): string {
  return message.replace(/ at line \d+, column \d+:?$/u, "");
}

/** The YAML library's messages may quote the text; a key that someone put in a wrong place must not get out by that. */
function withoutKeys(message: string): string {
  return message.replaceAll(/[A-Za-z0-9+/]{16,}={0,2}/gu, "…");
}

function lineOf(part: YamlDocument.Parsed, lines: LineCounter, path: ValuePath): number {
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
