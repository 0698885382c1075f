import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describeError } from "../../src/lib/errors.ts";
import { didYouMean } from "../../src/lib/nearest.ts";
import { checkValue, issueText } from "../../src/lib/schema-check.ts";
import { readYaml, type ValuePath } from "../../src/lib/yaml-source.ts";
import { formatIssue, type Issue } from "../../src/model/report.ts";
import { resolveRoles, roleIssues, roleNames } from "./roles/index.ts";
import { type GuestFileSpec, type Topology, type TopologyIssue, topologyIssues } from "./topology.ts";
import { type NodeDeclaration, type TopologyDeclaration, nodeSchemas, topologySchema } from "./topology-schema.ts";

/** A topology with the name that a lab of it gets when nobody gives another. */
export type LoadedTopology = { readonly name: string; readonly topology: Topology };

/**
 * Loads a topology: a YAML file (`examples/labs/*.yaml`), or a TypeScript module that exports a `TopologyDeclaration` as
 * `topology`. @throws with everything that is wrong with it, a line each, with file (as `shownAs` says) and line.
 */
export async function loadTopology(file: string, shownAs: string = file): Promise<LoadedTopology> {
  const fallback = labNameOf(file);
  if (/\.[cm]?[jt]s$/u.test(file)) {
    const module: unknown = await import(pathToFileURL(resolve(file)).href);
    const declared =
      typeof module === "object" && module !== null && "topology" in module ? module.topology : undefined;
    // What TypeScript declares was checked by its compiler.
    if (declared === undefined) throw new Error(`cannot load ${shownAs}: it exports no \`topology\``);
    const { name, ...topology } = declared as TopologyDeclaration;
    return { name: name ?? fallback, topology: resolveRoles(topology) };
  }
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Error(`cannot load the topology ${shownAs}: ${describeError(cause)}`, { cause });
  });
  const parsed = parseTopology(shownAs, text);
  if ("issues" in parsed)
    throw new Error(`the topology cannot be started:\n${parsed.issues.map(formatIssue).join("\n")}`);
  const { name, ...declared } = parsed.declared;
  return { name: name ?? fallback, topology: withPaths(resolveRoles(declared), dirname(resolve(file))) };
}

/** Names of files of the host in a topology file are relative to it. */
function withPaths({ networks, nodes }: Topology, base: string): Topology {
  const absolute = (file: GuestFileSpec): GuestFileSpec =>
    typeof file !== "string" && "from" in file ? { ...file, from: resolve(base, file.from) } : file;
  const located = Object.entries(nodes).map(([name, node]) => {
    const files = Object.entries(node.files ?? {}).map(([path, file]) => [path, absolute(file)] as const);
    const paths = (["disk", "kernel", "initrd"] as const).flatMap((key) => {
      const path = node[key];
      return path === undefined ? [] : [[key, resolve(base, path)] as const];
    });
    const laid = files.length === 0 ? {} : { files: Object.fromEntries(files) };
    return [name, { ...node, ...laid, ...Object.fromEntries(paths) }] as const;
  });
  return { networks, nodes: Object.fromEntries(located) };
}

/** "my-lab" of "labs/My_Lab.yaml". */
function labNameOf(file: string): string {
  const base = (file.split("/").at(-1) ?? "").replace(/\..*$/u, "").toLowerCase();
  return (
    base
      .replaceAll(/[^a-z0-9]+/gu, "-")
      .replace(/^[^a-z]+/u, "")
      .slice(0, 32)
      .replace(/-$/u, "") || "lab"
  );
}

/** Reads the YAML text of a topology. Everything wrong with it is told at once, with the line of each and the nearest known name. */
export function parseTopology(
  file: string,
  text: string,
): { readonly declared: TopologyDeclaration } | { readonly issues: readonly Issue[] } {
  const at = (line: number, path: ValuePath, message: string): Issue => {
    return { file, line, ...(path.length === 0 ? {} : { key: path.join(".") }), documents: [], message };
  };
  const [part, second] = readYaml(text);
  if (part === undefined)
    return { issues: [at(1, [], "holds no topology: a mapping with networks and nodes is expected")] };
  if (second !== undefined) return { issues: [at(1, [], "holds several documents: a topology is one")] };
  if ("problems" in part) return { issues: part.problems.map(({ line, message }) => at(line, [], message)) };
  const { value, line } = part;
  const told = (issues: readonly TopologyIssue[]): readonly Issue[] =>
    issues.map(({ path, message }) => at(line(path), path, message));
  const checked = checkValue(topologySchema, value);
  if ("issues" in checked)
    return { issues: told(checked.issues.map((issue) => ({ path: issue.path, message: issueText(issue) }))) };
  const { nodes: raw, ...rest } = checked.output;
  const nodes: Record<string, NodeDeclaration> = {};
  const issues: TopologyIssue[] = [];
  for (const [name, node] of Object.entries(raw)) {
    const outcome = checkNode(node);
    if ("node" in outcome) nodes[name] = outcome.node;
    else issues.push(...outcome.issues.map(({ path, message }) => ({ path: ["nodes", name, ...path], message })));
  }
  // What nodes are wrong together is looked for among those that are right alone.
  const declared = { ...rest, nodes };
  const together = [...roleIssues(declared), ...topologyIssues(resolveRoles(declared))];
  issues.push(...together.filter(({ path }) => Object.keys(raw).length === 0 || path.join(".") !== "nodes"));
  return issues.length > 0 ? { issues: told(issues).toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) } : { declared };
}

function checkNode(node: unknown): { readonly node: NodeDeclaration } | { readonly issues: readonly TopologyIssue[] } {
  if (typeof node !== "object" || node === null || Array.isArray(node))
    return { issues: [{ path: [], message: "is no mapping of keys to values" }] };
  const role = "role" in node ? node.role : undefined;
  const known = role === undefined ? "plain" : roleNames.find((name) => name === role);
  if (known === undefined) {
    const word = String(role);
    const message = `'${word}' is no role${didYouMean(word, roleNames)} (the roles are ${roleNames.join(", ")})`;
    return { issues: [{ path: ["role"], message }] };
  }
  const checked = checkValue<NodeDeclaration>(nodeSchemas[known], node);
  if ("output" in checked) return { node: checked.output };
  return { issues: checked.issues.map((issue) => ({ path: issue.path, message: issueText(issue) })) };
}
