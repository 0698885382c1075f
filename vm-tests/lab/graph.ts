import { drawTopology } from "../../src/ui/topology-svg.ts";
import { formatLinkProperties } from "../harness/link-words.ts";
import { linksOf } from "../harness/topology.ts";
import { loadTopology } from "../harness/topology-file.ts";
import { type LabCommand, UsageError, parseWords, userFile } from "./command.ts";
import { ControlClient } from "./control-client.ts";
import { type Graph, graphMermaid, graphText } from "./graph-text.ts";
import type { LabDescription } from "./messages.ts";
import { controlSocket, findLab } from "./places.ts";

/** Draws a topology file or a lab that runs. */
export const graphCommand: LabCommand = {
  words: "FILE|LAB [--svg | --mermaid]",
  what: "draw a topology file or a lab, as text, as SVG or for Mermaid",
  example: "graph examples/labs/nat.yaml --svg >nat.svg",
  run: async (given) => {
    const types = { svg: "boolean", mermaid: "boolean" } as const;
    const { options, words } = parseWords(given, types, [0, 1], "graph FILE|LAB [--svg | --mermaid]");
    if (options.svg === true && options.mermaid === true)
      throw new UsageError("--svg and --mermaid exclude each other");
    const graph = await readGraph(words[0]);
    if (options.svg === true) process.stdout.write(svg(graph));
    else process.stdout.write(`${options.mermaid === true ? graphMermaid(graph) : graphText(graph)}\n`);
    return 0;
  },
};

/** The seed of a lab decides its MAC addresses: 1 unless told. */
const seed = 1;

async function readGraph(word: string | undefined): Promise<Graph> {
  // The name of a lab has neither a dot nor a slash.
  if (word !== undefined && /[./]/u.test(word)) {
    const { topology } = await loadTopology(userFile(word), word);
    const links = linksOf(topology, seed).map((link) => ({
      ...link,
      properties: formatLinkProperties(link.properties),
    }));
    return { networks: topology.networks, nodes: Object.keys(topology.nodes).map((name) => ({ name })), links };
  }
  const lab = await findLab(word);
  using client = await ControlClient.connect(controlSocket(lab.directory));
  return (await client.ask({ op: "ready" })) as LabDescription;
}

function svg({ networks, nodes, links }: Graph): string {
  return drawTopology({
    networks,
    nodes: nodes.map(({ name }) => name),
    links: links.map(({ properties, ...link }) => {
      const state = /\bdown\b/u.test(properties) ? "down" : properties === "clear" ? undefined : "impaired";
      return { ...link, ...(state === undefined ? {} : { addresses: [properties], state }) };
    }),
  });
}
