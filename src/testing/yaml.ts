import { stringify } from "yaml";
import type { Document } from "../model/document.ts";

/** Documents as the YAML text that a user would write. */
export function yaml(...documents: readonly Document[]): string {
  return documents.map((document) => stringify(document)).join("---\n");
}
