import { join, resolve } from "node:path";
import { unknownName } from "../../src/lib/nearest.ts";
import type { LabListener } from "./lab-event.ts";
import { type LinkProperties, linkContradictions } from "./link-properties.ts";
import { formatLinkProperties } from "./link-words.ts";
import type { LabNode } from "./node.ts";
import type { Direction } from "./pcapng-write.ts";
import type { Switch } from "./switch.ts";
import type { PortCounters } from "./switch-messages.ts";
import type { Link } from "./topology.ts";

/** A NIC of a node on its cable. */
export type LabLink = Omit<Link, "properties"> & {
  /** What it does now: one for both directions, or one for each where they differ. */
  readonly properties: readonly LinkProperties[];
  /** Capture of everything that went over it, complete after `lab.flush()`. */
  readonly capture: string;
  counters(): Promise<PortCounters>;
  /** Captures into one more file, from when this resolves until it is disposed of; then the file is complete. */
  startCapture(file: string): Promise<AsyncDisposable>;
};

/** What holds of a link, each part by itself. */
type LinkState = { readonly carrier: "up" | "down" } & Readonly<Record<Direction, LinkProperties>>;

type LabLinksInit = {
  readonly links: readonly Link[];
  readonly network: Switch;
  readonly node: (name: string) => LabNode;
  readonly artifacts: string;
  readonly seed: number;
  readonly onEvent?: LabListener;
};

/** The links of a lab and what they do now. */
export class LabLinks {
  readonly #init: LabLinksInit;
  readonly #now = new Map<string, LinkState>();

  constructor(init: LabLinksInit) {
    this.#init = init;
  }

  /** Gives every link what the topology says of it. To be called before a node boots. */
  async begin(): Promise<void> {
    for (const { name, properties } of this.#init.links) {
      if (Object.keys(properties).length > 0) await this.set(name, properties);
    }
  }

  /** @throws when there is no such link, naming those there are. */
  get(name: string): LabLink {
    const { network, artifacts } = this.#init;
    return {
      ...this.#find(name),
      properties: propertiesOf(this.#state(name)),
      capture: join(artifacts, `${name}.pcapng`),
      counters: () => network.counters(name),
      startCapture: async (file) => {
        const path = resolve(file);
        await network.startCapture(name, path);
        return { [Symbol.asyncDispose]: () => network.stopCapture(name, path) };
      },
    };
  }

  get all(): readonly LabLink[] {
    return this.#init.links.map(({ name }) => this.get(name));
  }

  /** What `Lab.setLink` says. */
  async set(name: string, properties: LinkProperties): Promise<void> {
    const { network, seed, node, onEvent } = this.#init;
    const link = this.#find(name);
    const words = formatLinkProperties(properties);
    const issues = linkContradictions(properties);
    if (issues.length > 0) throw new Error(`link "${name}" cannot be set to ${words}: ${issues.join("; ")}`);
    const { direction = "both", carrier = "up", ...effects } = properties;
    if (direction === "both") {
      await node(link.node).setCarrier(Number(link.nic.slice("eth".length)), carrier === "up");
      this.#now.set(name, { carrier, "from-guest": effects, "to-guest": effects });
    } else this.#now.set(name, { ...this.#state(name), [direction]: effects });
    await network.set(name, properties, seed);
    onEvent?.({ of: name, what: "link", detail: words });
  }

  #state(name: string): LinkState {
    return this.#now.get(name) ?? { carrier: "up", "from-guest": {}, "to-guest": {} };
  }

  #find(name: string): Link {
    const { links } = this.#init;
    const link = links.find((candidate) => candidate.name === name);
    if (link !== undefined) return link;
    const known = links.map((each) => each.name);
    throw new Error(unknownName("the lab", "link", name, known));
  }
}

function propertiesOf(state: LinkState): readonly LinkProperties[] {
  const { carrier, "from-guest": from, "to-guest": to } = state;
  const cable: LinkProperties = carrier === "down" ? { carrier } : {};
  if (formatLinkProperties(from) === formatLinkProperties(to)) return [{ ...cable, ...from }];
  const ways = (["from-guest", "to-guest"] as const).map((direction) => ({ direction, ...state[direction] }));
  return carrier === "down" ? [cable, ...ways] : ways;
}
