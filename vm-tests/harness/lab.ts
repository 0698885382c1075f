import { mkdirSync, rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LinkNote, type Tunnel, drawTopology } from "../../src/ui/topology-svg.ts";
import type { AccelVerdict } from "./accel.ts";
import { bootSource } from "./boot-source.ts";
import type { ConsoleFinding } from "./console-rules.ts";
import type { LabListener } from "./lab-event.ts";
import { unknownName } from "../../src/lib/nearest.ts";
import { type LabLink, LabLinks } from "./lab-links.ts";
import type { LinkProperties } from "./link-properties.ts";
import { LabNode } from "./node.ts";
import { resolveRoles, roleIssues } from "./roles/index.ts";
import { Switch } from "./switch.ts";
import { ensureTemplate, shapeOf } from "./template.ts";
import { hasteNow, timeoutFactor } from "./timeout.ts";
import { type Link, type Topology, checkTopology, linksOf, machineIdOf } from "./topology.ts";
import type { TopologyDeclaration } from "./topology-schema.ts";

/** What all nodes of a lab boot from. */
export type LabImage = {
  /** Uncompressed kernel. */
  readonly vmlinux: string;
  /** The same kernel as firmware starts it: it asks the firmware for a screen, which the other does not. */
  readonly vmlinuz?: string;
  readonly initrd: string;
  /** Directory with what an initramfs of one's own for this kernel needs, see `writeInitramfs`. */
  readonly parts?: string;
  /** Words that the image needs on every command line. */
  readonly cmdline: string;
};

export type LabOptions = {
  readonly image: LabImage;
  /** The static netloom-agent. */
  readonly agent: string;
  /** Directory for console logs, captures, the picture and the report. */
  readonly artifacts: string;
  readonly accel: AccelVerdict;
  /** Decides MAC addresses; the same in every run unless told. */
  readonly seed?: number;
  /** Nodes that `start` boots; all of them unless told. The others wait for `boot`. */
  readonly boot?: readonly string[];
  /** Milliseconds until a guest's agent must have spoken, scaled like every timeout; 120,000 unless told. */
  readonly bootTimeoutMs?: number;
  readonly log?: (line: string) => void;
  readonly onEvent?: LabListener;
};

/** Several virtual machines on switched links. Disposing of it ends every process and removes every socket. */
export class Lab implements AsyncDisposable {
  readonly topology: Topology;
  readonly seed: number;
  readonly accel: AccelVerdict;
  readonly artifacts: string;
  /** Directory of its sockets, gone with the lab. */
  readonly sockets: string;
  readonly #switch: Switch;
  readonly #owned: AsyncDisposableStack;
  readonly #nodes: ReadonlyMap<string, LabNode>;
  readonly #links: LabLinks;
  readonly #log: (line: string) => void;
  /** That at the end of the lab: nothing is written after it. */
  #lastFlush: Promise<void> | undefined;

  /** Opens the links and boots nodes. @throws when the topology is wrong or a node does not come up; nothing is left then. */
  static async start(declared: TopologyDeclaration, options: LabOptions): Promise<Lab> {
    const topology = resolveRoles(declared);
    const issues = [...roleIssues(declared).map(({ message }) => message), ...checkTopology(topology)];
    if (issues.length > 0) throw new Error(`the topology cannot be started:\n${issues.join("\n")}`);
    await using owned = new AsyncDisposableStack();
    mkdirSync(options.artifacts, { recursive: true });
    const work = await workDirectory(owned);
    const log = options.log ?? (() => {});
    const seed = options.seed ?? 1;
    const patience = (): number => timeoutFactor(hasteNow(options.accel.bootSeconds));
    const links = linksOf(topology, seed);
    const network = owned.use(new Switch(work));
    for (const { name, network: segment } of links) {
      const capture = join(options.artifacts, `${name}.pcapng`);
      await network.open({ name, network: segment, socket: join(work, name), capture });
    }
    const nodes = new Map<string, LabNode>();
    for (const [name, spec] of Object.entries(topology.nodes)) {
      const own = links.filter(({ node }) => node === name);
      const source = await bootSource(spec, options);
      const base = { ...source, accel: options.accel.accel, memory: spec.memory ?? 384 };
      const shape = shapeOf(spec, base);
      const node = new LabNode({
        machine: {
          ...base,
          name,
          cmdline: [base.cmdline, spec.cmdline].filter(Boolean).join(" "),
          nics: own.map(({ mac, name: port }) => ({ mac, socket: join(work, port) })),
          fwCfg: spec.fwCfg ?? {},
          ...(spec.disk === undefined ? {} : { disk: spec.disk }),
          ...(spec.rtc === undefined ? {} : { rtc: spec.rtc }),
          screen: spec.screen ?? false,
        },
        consoleFile: join(options.artifacts, `${name}.console.log`),
        captures: own.map(({ name: port }) => join(options.artifacts, `${port}.pcapng`)),
        expectedOnConsole: spec.expectedOnConsole ?? [],
        bootTimeoutMs: options.bootTimeoutMs ?? 120_000,
        patience,
        identity: { hostname: name, machineId: machineIdOf(seed, name) },
        files: spec.files ?? {},
        ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
        hasAgent: spec.agent ?? true,
        ...(spec.ready === undefined ? {} : { ready: spec.ready }),
        ...(shape === undefined ? {} : { template: () => ensureTemplate(shape, patience) }),
      });
      nodes.set(name, owned.use(node));
    }
    const lab = new Lab({ topology, seed, options, work, network, nodes, links, log });
    await lab.draw();
    await lab.#links.begin();
    await lab.boot(options.boot ?? [...nodes.keys()]);
    lab.#owned.use(owned.move());
    return lab;
  }

  private constructor(parts: {
    readonly topology: Topology;
    readonly seed: number;
    readonly options: LabOptions;
    readonly work: string;
    readonly network: Switch;
    readonly nodes: ReadonlyMap<string, LabNode>;
    readonly links: readonly Link[];
    readonly log: (line: string) => void;
  }) {
    this.topology = parts.topology;
    this.seed = parts.seed;
    this.accel = parts.options.accel;
    this.artifacts = parts.options.artifacts;
    this.sockets = parts.work;
    this.#switch = parts.network;
    this.#nodes = parts.nodes;
    const { links, network, seed } = parts;
    const { artifacts, onEvent } = parts.options;
    const node = (name: string): LabNode => this.node(name);
    this.#links = new LabLinks({
      links,
      network,
      seed,
      node,
      artifacts,
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    this.#log = parts.log;
    this.#owned = new AsyncDisposableStack();
  }

  /** Boots nodes side by side and waits for their agents; one that fails does not hide how the others did. */
  async boot(names: readonly string[]): Promise<void> {
    const results = await Promise.allSettled(
      names.map(async (name) => {
        const started = performance.now();
        const { uptime, bootId } = await this.node(name).boot();
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        // Who has no agent gives no greeting.
        const ofGuest = bootId === "" ? "up" : `agent up, ${uptime.toFixed(1)} s of the guest,`;
        this.#log(`${name}: ${ofGuest} after ${seconds} s`);
      }),
    );
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) {
      throw new AggregateError(
        errors,
        errors.map((error) => (error instanceof Error ? error.message : String(error))).join("\n"),
      );
    }
  }

  /** @throws when there is no such node, naming those there are. */
  node(name: string): LabNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(unknownName("the lab", "node", name, [...this.#nodes.keys()]));
    return node;
  }

  get nodes(): readonly LabNode[] {
    return [...this.#nodes.values()];
  }

  /** A link by its name, such as "n1.eth0". @throws when there is none, naming those there are. */
  link(name: string): LabLink {
    return this.#links.get(name);
  }

  get links(): readonly LabLink[] {
    return this.#links.all;
  }

  /**
   * Sets what a link does from now on, instead of all that it did before: `{}` is a perfect cable. With a direction only what
   * holds for that one is replaced, and the carrier stays. @throws when there is no such link, or the properties contradict.
   */
  async setLink(name: string, properties: LinkProperties): Promise<void> {
    await this.#links.set(name, properties);
  }

  /** Resolves when every frame and console line so far is in its file. @throws with each file that is incomplete, and why. */
  async flush(): Promise<void> {
    await (this.#lastFlush ?? this.#flushAll());
  }

  async #flushAll(): Promise<void> {
    const all = [this.#switch.flush(), ...this.nodes.map(({ console }) => console.flush())];
    const results = await Promise.allSettled(all);
    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
    if (failed.length > 0) throw new Error(failed.map(({ message }) => message).join("\n"), { cause: failed[0] });
  }

  /** Console lines that broke a rule, of all nodes: a lab with any of them has failed, whatever else was proven. */
  get findings(): readonly (ConsoleFinding & { readonly node: string })[] {
    return this.nodes.flatMap(({ name, console }) => console.findings.map((finding) => ({ node: name, ...finding })));
  }

  /** Draws topology.svg anew, with what is known of links by their name, and connections over them. Returns its path. */
  async draw(notes: Readonly<Record<string, LinkNote>> = {}, tunnels: readonly Tunnel[] = []): Promise<string> {
    const file = join(this.artifacts, "topology.svg");
    const links = this.links.map((link) => ({ ...link, ...notes[link.name] }));
    await writeFile(
      file,
      drawTopology({ networks: this.topology.networks, nodes: Object.keys(this.topology.nodes), links, tunnels }),
    );
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Who reads a file must know that it lacks something.
    this.#lastFlush ??= this.#flushAll();
    await this.#lastFlush.catch((error: unknown) => this.#log(error instanceof Error ? error.message : String(error)));
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** A short path, since that of a unix socket has 107 bytes at most (unix(7)). It goes also when the process just exits. */
async function workDirectory(owned: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp("/tmp/netloom-lab-");
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  owned.defer(() => {
    process.removeListener("exit", remove);
    remove();
  });
  return directory;
}
