import type { Actual, ActualLink } from "../model/actual.ts";
import { HOST, type LinkSpec, type WireguardPeerSpec } from "../model/kernel.ts";
import { visitStep, type Step, type StepTable } from "../model/step.ts";
import { nftHash, processHash } from "../model/definition-hash.ts";
import { KEYS } from "../plan/object-key.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** An `Actual` without anything in it. */
export function emptyKernel(): Actual {
  return { netns: [], link: [], address: [], route: [], wireguard: [], nft: [], sysctl: [], process: [] };
}

/** A physical NIC, as the kernel shows it before anyone touched it. */
export function physicalNic(name: string, index: number, carrier: boolean = true): ActualLink {
  return {
    netns: HOST,
    name,
    index,
    type: "physical",
    mac: `52:54:00:00:00:0${index}`,
    mtu: 1500,
    up: false,
    carrier,
    master: null,
    masterOwned: false,
    adopted: false,
    peerIndex: null,
    owned: false,
  };
}

/**
 * A kernel in memory with the rules that the differ relies on: a link takes its addresses and routes along,
 * a veth end its other end, a namespace all that is in it. A step that the kernel would refuse throws.
 */
export function applySteps(actual: Actual, steps: readonly Step[]): Actual {
  const kernel = new MemoryKernel(actual);
  for (const step of steps) visitStep(kernel.table, step);
  return kernel.state;
}

class MemoryKernel {
  readonly state: Mutable<Actual>;
  #index: number;

  constructor(actual: Actual) {
    this.state = structuredClone(actual) as Mutable<Actual>;
    this.#index = Math.max(0, ...actual.link.map((link) => link.index)) + 1;
  }

  readonly table: StepTable<void> = {
    "netns.add": ({ name }) => {
      if (this.state.netns.some((netns) => netns.name === name)) throw new Error(`EEXIST netns ${name}`);
      this.state.netns.push({ name, owned: true });
    },
    "netns.del": ({ name }) => {
      // Its links go at once; the far ends of its veth pairs go when the kernel gets to it, so here not before their own step.
      const inside = this.state.link.filter((link) => link.netns === name);
      this.state.link = this.state.link.map((link) =>
        inside.some((end) => end.index === link.peerIndex) ? { ...link, peerIndex: null } : link,
      );
      for (const link of inside) this.#deleteLink(link.netns, link.name);
      this.#drop("netns", (netns) => netns.name === name);
      for (const part of ["sysctl", "nft"] as const) this.#drop(part, (object) => object.netns === name);
    },
    "link.add": (spec) => this.#addLink(spec),
    "link.set": ({ netns, name, up, mac, mtu, master }) => {
      this.#link(netns, name);
      this.state.link = this.state.link.map((link) => {
        if (link.netns !== netns || link.name !== name) return link;
        const bridge =
          master === undefined ? {} : { master, masterOwned: master !== null, adopted: !link.owned && master !== null };
        return { ...link, ...bridge, up: up ?? link.up, mac: mac ?? link.mac, mtu: mtu ?? link.mtu };
      });
    },
    "link.del": ({ netns, name }) => {
      this.#link(netns, name);
      this.#deleteLink(netns, name);
    },
    "sysctl.set": ({ netns, key, value }) => this.#put("sysctl", KEYS.sysctl, { netns, key, value }),
    "address.add": ({ netns, dev, address }) => {
      this.#link(netns, dev);
      this.#put("address", KEYS.address, { netns, dev, address, owned: true });
    },
    "address.del": (args) => this.#remove("address", KEYS.address, args),
    "route.add": ({ netns, dev, to, via, metric }) => {
      this.#link(netns, dev);
      this.#put("route", KEYS.route, { netns, dev, to, via: via ?? null, metric: metric ?? null, owned: true });
    },
    "route.del": (args) => this.#remove("route", KEYS.route, args),
    "nft.load": (spec) =>
      this.#put("nft", KEYS.nft, {
        netns: spec.netns,
        family: spec.family,
        table: spec.table,
        hash: nftHash(spec),
        touched: false,
      }),
    "nft.del": (args) => this.#remove("nft", KEYS.nft, args),
    "wireguard.device": ({ netns, dev, publicKey, listenPort }) => {
      this.#link(netns, dev);
      const old = this.state.wireguard.find((device) => device.netns === netns && device.dev === dev);
      this.#put("wireguard", KEYS.wireguard, { netns, dev, publicKey, listenPort, peers: old?.peers ?? [] });
    },
    "wireguard.peer": ({ netns, dev, peer }) => this.#changePeers(netns, dev, peer.publicKey, peer),
    "wireguard.unpeer": ({ netns, dev, publicKey }) => this.#changePeers(netns, dev, publicKey, undefined),
    "process.set": (spec) => this.#put("process", KEYS.process, { name: spec.name, hash: processHash(spec) }),
    "process.del": (args) => this.#remove("process", KEYS.process, args),
  };

  #addLink(spec: LinkSpec): void {
    for (const end of spec.peer === undefined ? [spec] : [spec, spec.peer]) {
      if (this.state.link.some((link) => KEYS.link(link) === KEYS.link(end)))
        throw new Error(`EEXIST link ${KEYS.link(end)}`);
      if (end.netns !== HOST && !this.state.netns.some((netns) => netns.name === end.netns))
        throw new Error(`ENOENT netns ${end.netns}`);
    }
    if (spec.master !== undefined) this.#link(spec.netns, spec.master);
    const [index, peerIndex] = [this.#index, this.#index + 1];
    this.#index += 2;
    const common = {
      up: true,
      carrier: true,
      owned: true,
      adopted: false,
      mtu: spec.mtu ?? 1500,
      type: spec.type,
    } as const;
    const near = {
      ...common,
      netns: spec.netns,
      name: spec.name,
      index,
      mac: spec.mac ?? null,
      master: spec.master ?? null,
      masterOwned: spec.master !== undefined,
    };
    this.state.link.push({ ...near, peerIndex: spec.peer === undefined ? null : peerIndex });
    if (spec.peer === undefined) return;
    this.state.link.push({
      ...common,
      ...spec.peer,
      index: peerIndex,
      master: null,
      masterOwned: false,
      peerIndex: index,
    });
  }

  #deleteLink(netns: string, name: string): void {
    const link = this.state.link.find((candidate) => candidate.netns === netns && candidate.name === name);
    if (link === undefined) return;
    this.#drop("link", (candidate) => candidate === link);
    for (const part of ["address", "route", "wireguard"] as const)
      this.#drop(part, (object) => object.netns === netns && object.dev === name);
    this.state.link = this.state.link.map((port) =>
      port.netns === netns && port.master === name
        ? { ...port, master: null, masterOwned: false, adopted: false }
        : port,
    );
    const peer =
      link.peerIndex === null
        ? undefined
        : this.state.link.find((candidate) => candidate.index === link.peerIndex && candidate.peerIndex === link.index);
    if (peer !== undefined) this.#deleteLink(peer.netns, peer.name);
  }

  #changePeers(netns: string, dev: string, publicKey: string, peer: WireguardPeerSpec | undefined): void {
    const device = this.state.wireguard.find((candidate) => candidate.netns === netns && candidate.dev === dev);
    if (device === undefined) throw new Error(`ENODEV wireguard ${dev}`);
    const old = device.peers.find((candidate) => candidate.publicKey === publicKey);
    const others = device.peers.filter((candidate) => candidate.publicKey !== publicKey);
    const endpoint = peer?.endpoint ?? old?.endpoint ?? null;
    const fresh = { lastHandshake: 0, rxBytes: 0, txBytes: 0, ...old };
    const peers =
      peer === undefined
        ? others
        : [
            ...others,
            {
              ...fresh,
              publicKey,
              endpoint,
              givenEndpoint: peer.endpoint ?? old?.givenEndpoint ?? null,
              allowedIps: peer.allowedIps,
              keepalive: peer.keepalive,
            },
          ];
    this.#put("wireguard", KEYS.wireguard, { ...device, peers });
  }

  #link(netns: string, name: string): void {
    if (!this.state.link.some((link) => link.netns === netns && link.name === name))
      throw new Error(`ENODEV link ${netns}/${name}`);
  }

  #put<P extends keyof Actual>(part: P, key: (object: Actual[P][number]) => string, object: Actual[P][number]): void {
    const list = this.state[part] as Actual[P][number][];
    const at = list.findIndex((candidate) => key(candidate) === key(object));
    if (at === -1) list.push(object);
    else list[at] = object;
  }

  #remove<P extends keyof Actual, O>(part: P, key: (object: Actual[P][number] | O) => string, object: O): void {
    const list = this.state[part] as Actual[P][number][];
    if (!list.some((candidate) => key(candidate) === key(object))) throw new Error(`ENOENT ${part} ${key(object)}`);
    this.#drop(part, (candidate) => key(candidate) === key(object));
  }

  #drop<P extends keyof Actual>(part: P, test: (object: Actual[P][number]) => boolean): void {
    const list = this.state[part] as Actual[P][number][];
    this.state[part] = list.filter((object) => !test(object)) as Mutable<Actual>[P];
  }
}
