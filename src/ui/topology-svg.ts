/** What is known of a link besides where it is. */
export type LinkNote = {
  /** Shown under the name of the NIC, one a line. */
  readonly addresses?: readonly string[];
  /** Unknown when absent. */
  readonly state?: "up" | "down" | "impaired";
};

/** A cable from a NIC to a network. */
export type DrawnLink = LinkNote & {
  readonly node: string;
  readonly nic: string;
  readonly network: string;
  readonly mac: string;
};

/** An overlay connection between two nodes, drawn as an arc. */
export type Tunnel = { readonly from: string; readonly to: string; readonly state: "up" | "down" };

export type Drawing = {
  readonly networks: readonly string[];
  readonly nodes: readonly string[];
  readonly links: readonly DrawnLink[];
  readonly tunnels?: readonly Tunnel[];
};

const line = 15;
const charWidth = 6.7;
const gap = 28;
const margin = 20;
const cableLength = 44;

/** The style of the picture: light unless the reader's system is dark; GitHub honours this in an image too. */
export const topologyStyle = `
  .bg{fill:#ffffff}.box{fill:#f3f6fa;stroke:#5b6b7f}.bus{stroke:#5b6b7f;stroke-width:4;stroke-linecap:round}
  text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1d2733}
  .name{font-weight:bold;font-size:13px}.dim{fill:#5b6b7f}
  .cable,.tunnel{fill:none;stroke-width:2;stroke:#8695a6}
  .up{stroke:#1f8f4d}.down{stroke:#c9302c;stroke-dasharray:5 4}.impaired{stroke:#c07a00;stroke-dasharray:9 3}
  .tunnel{stroke-width:1.5}
  @media (prefers-color-scheme:dark){
    .bg{fill:#11161d}.box{fill:#1c2530;stroke:#8ea0b5}.bus{stroke:#8ea0b5}text{fill:#e4ebf3}.dim{fill:#9fb0c3}
    .up{stroke:#4cc27f}.down{stroke:#ff7b72}.impaired{stroke:#e3b341}
  }`;

type Box = {
  readonly name: string;
  readonly x: number;
  readonly width: number;
  readonly lines: readonly string[];
  readonly links: readonly DrawnLink[];
};

/**
 * A picture of a topology as a self-contained SVG: nodes in a row with their NICs and addresses, each network a line below them,
 * overlay connections as arcs above. The same input gives the same text.
 */
export function drawTopology(drawing: Drawing): string {
  const boxes = placeNodes(drawing);
  const last = boxes.at(-1);
  const width = Math.max(320, (last === undefined ? 0 : last.x + last.width) + margin);
  const tunnels = drawing.tunnels ?? [];
  const top = margin + arcHeight(boxes, tunnels);
  const height = Math.max(...boxes.map(({ lines }) => boxHeight(lines)), 0);
  const firstBus = top + height + cableLength;
  const busAt = new Map(drawing.networks.map((name, index) => [name, firstBus + index * cableLength]));
  const total = firstBus + Math.max(0, drawing.networks.length - 1) * cableLength + margin + line;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" role="img">`,
    `<title>${escape(`${drawing.nodes.length} nodes on ${drawing.networks.join(", ")}`)}</title>`,
    `<style>${topologyStyle}\n</style>`,
    `<rect class="bg" width="${width}" height="${total}"/>`,
    ...[...busAt].map(([name, y]) => drawBus(name, y, width)),
    ...boxes.flatMap((box) => drawCables(box, top + boxHeight(box.lines), busAt)),
    ...boxes.map((box) => drawNode(box, top)),
    ...tunnels.flatMap((tunnel) => drawTunnel(tunnel, boxes, top)),
    "</svg>\n",
  ].join("\n");
}

function placeNodes({ nodes, links }: Drawing): readonly Box[] {
  let x = margin;
  return nodes.map((name) => {
    const own = links.filter(({ node }) => node === name);
    const lines = own.flatMap(({ nic, mac, addresses = [] }) => [
      `${nic} ${mac}`,
      ...addresses.map((address) => `  ${address}`),
    ]);
    const width = Math.ceil(Math.max(120, ...lines.map(({ length }) => length * charWidth + 20)));
    const box = { name, x, width, lines, links: own };
    x += width + gap;
    return box;
  });
}

function boxHeight(lines: readonly string[]): number {
  return 26 + lines.length * line + 8;
}

function drawNode({ name, x, width, lines }: Box, y: number): string {
  const rows = lines.map((text, index) => {
    const dim = text.startsWith(" ") ? "" : ' class="dim"';
    return `<text${dim} x="${x + 10}" y="${y + 26 + (index + 1) * line - 3}" xml:space="preserve">${escape(text)}</text>`;
  });
  return [
    `<rect class="box" x="${x}" y="${y}" width="${width}" height="${boxHeight(lines)}" rx="6"/>`,
    `<text class="name" x="${x + 10}" y="${y + 19}">${escape(name)}</text>`,
    ...rows,
  ].join("\n");
}

function drawCables({ x, width, links }: Box, y: number, busAt: ReadonlyMap<string, number>): readonly string[] {
  return links.map(({ node, nic, network, state }, index) => {
    const at = Math.round(x + (width * (index + 1)) / (links.length + 1));
    const title = `${node}.${nic} on ${network}${state === undefined ? "" : `: ${state}`}`;
    return `<path class="cable ${state ?? ""}" d="M${at} ${y}V${busAt.get(network) ?? y}"><title>${escape(title)}</title></path>`;
  });
}

function drawBus(name: string, y: number, width: number): string {
  return `<path class="bus" d="M${margin} ${y}H${width - margin}"/>\n<text x="${margin}" y="${y + line + 2}">${escape(name)}</text>`;
}

function drawTunnel({ from, to, state }: Tunnel, boxes: readonly Box[], y: number): readonly string[] {
  const ends = [from, to].map((name) => boxes.find((box) => box.name === name));
  const [a, b] = ends;
  if (a === undefined || b === undefined) return [];
  const [left, right] = [a.x + a.width / 2, b.x + b.width / 2];
  const title = `${from} to ${to}: ${state}`;
  const arc = `M${left} ${y}Q${(left + right) / 2} ${y - 2 * rise(boxes, from, to)} ${right} ${y}`;
  return [`<path class="tunnel ${state}" d="${arc}"><title>${escape(title)}</title></path>`];
}

/** Longer arcs go higher, so that they do not lie on shorter ones. */
function rise(boxes: readonly Box[], from: string, to: string): number {
  const index = (name: string): number => boxes.findIndex((box) => box.name === name);
  return 14 + 16 * Math.abs(index(from) - index(to));
}

function arcHeight(boxes: readonly Box[], tunnels: readonly Tunnel[]): number {
  return Math.max(0, ...tunnels.map(({ from, to }) => rise(boxes, from, to)));
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
