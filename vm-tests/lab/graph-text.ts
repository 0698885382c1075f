import type { LabDescription } from "./messages.ts";

/** What is drawn of a topology. */
export type Graph = Pick<LabDescription, "networks" | "links"> & {
  readonly nodes: readonly { readonly name: string }[];
};

/** A network a block, its links below it, for a terminal. */
export function graphText({ networks, nodes, links }: Graph): string {
  const width = Math.max(0, ...links.map(({ name }) => name.length));
  const blocks = networks.map((network) => {
    const own = links.filter((link) => link.network === network);
    const lines = own.map(({ name, mac, properties }, index) => {
      const branch = index === own.length - 1 ? "└──" : "├──";
      const told = properties === "" || properties === "clear" ? "" : `  ${properties}`;
      return `  ${branch} ${name.padEnd(width)}  ${mac}${told}`;
    });
    return [network, ...lines].join("\n");
  });
  const alone = nodes.filter(({ name }) => !links.some(({ node }) => node === name)).map(({ name }) => name);
  return [...blocks, ...(alone.length === 0 ? [] : [`without a NIC: ${alone.join(", ")}`])].join("\n");
}

/** The same as a Mermaid flowchart, which many hosts of Markdown draw. */
export function graphMermaid({ networks, nodes, links }: Graph): string {
  const lines = [
    "flowchart LR",
    ...networks.map((name) => `  net-${name}(("${name}"))`),
    ...nodes.map(({ name }) => `  ${name}["${name}"]`),
    ...links.map(({ node, nic, network, properties }) => {
      const told = properties === "" || properties === "clear" ? "" : ` ${properties}`;
      return `  ${node} ---|"${nic}${told}"| net-${network}`;
    }),
  ];
  return lines.join("\n");
}

/** What is told when a lab is up. */
export function describeLabText(lab: LabDescription): string {
  return `\n${lab.name} is up: ${lab.nodes.length} nodes, ${lab.accelerator}\n\n${graphText(lab)}\n`;
}
