import { NOTHING_SEEN, type Actual, type ActualLink, type ActualRoute } from "../model/actual.ts";
import { HOST, OWNER, TABLE_MAIN, type LinkId, type LinkSpec } from "../model/kernel.ts";
import { DEFAULT_PVID, PORT_DEFAULTS, type PortVlan } from "../model/link-options.ts";
import { visitStep, type PeerChange, type Step, type StepTable } from "../model/step.ts";
import { fileHash, nftHash, processHash } from "../model/definition-hash.ts";
import { defaultVlans } from "../plan/diff/bridge-ports.ts";
import { FILE_MODE } from "../plan/diff/files.ts";
import { KEYS } from "../plan/object-key.ts";
import { ovsLink, removeOvsBridge, setOvsBridge, unplugOvs } from "./memory-ovs.ts";
import { untouchedLink } from "../model/actual.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** An `Actual` without anything in it. */
export function emptyKernel(): Actual {
  return structuredClone(NOTHING_SEEN);
}

/** A physical NIC, as the kernel shows it before anyone touched it. */
export function physicalNic(name: string, index: number, carrier: boolean = true): ActualLink {
  return untouchedLink({ name, index, type: "physical", mac: `52:54:00:00:00:0${index}`, carrier });
}

/** Somebody's route in the node's namespace. */
export function seenRoute(part: Partial<ActualRoute> & Pick<ActualRoute, "to">): ActualRoute {
  return {
    netns: HOST,
    table: TABLE_MAIN,
    type: "unicast",
    dev: null,
    via: null,
    metric: null,
    source: null,
    mtu: null,
    advmss: null,
    onlink: false,
    hops: [],
    protocol: 3,
    owned: false,
    ...part,
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

function sitsIn(link: ActualLink, netns: string): link is ActualLink & { readonly lower: LinkId } {
  return typeof link.lower === "object" && link.lower?.netns === netns;
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
      this.state.link = this.state.link.map((link) =>
        sitsIn(link, name) && link.netns !== name ? { ...link, lower: "unknown" as const } : link,
      );
      // Its UDP socket ends, and with it the carrier.
      this.state.link = this.state.link.map((link) =>
        link.bornIn === name ? { ...link, bornIn: null, carrier: false } : link,
      );
      for (const link of inside) this.#deleteLink(link.netns, link.name);
      this.#drop("netns", (netns) => netns.name === name);
      for (const part of ["sysctl", "nft", "route", "rule"] as const)
        this.#drop(part, (object) => object.netns === name);
    },
    "link.add": (spec) => this.#addLink(spec),
    "link.set": ({ netns, name, up, mac, mtu, master, options }) => {
      const link = this.#link(netns, name);
      const type = master === null || master === undefined ? undefined : this.#link(netns, master).type;
      if (type === "bond" && link.up) throw new Error(`EPERM ${name} is up and cannot enter a bond`);
      this.#update(link, {
        ...(master === undefined ? {} : this.#plugged(link, master)),
        up: type === "bond" ? true : (up ?? link.up),
        mac: mac ?? link.mac,
        mtu: mtu ?? link.mtu,
        options: options === undefined ? link.options : { ...link.options, ...options.set },
      });
      // The bridge's table forgets a port that leaves.
      if (master !== undefined)
        this.#drop("fdb", (entry) => entry.netns === netns && entry.dev === name && entry.remote === null);
    },
    "link.rename": ({ netns, name, to }) => {
      if (this.state.link.some((link) => link.netns === netns && link.name === to))
        throw new Error(`EEXIST link ${netns}/${to}`);
      this.#update(this.#link(netns, name), { name: to });
    },
    "link.port": ({ netns, name, port }) => {
      const link = this.#link(netns, name);
      if (link.port === null) throw new Error(`EINVAL ${name} is no port of a bridge`);
      this.#update(link, { port: { ...link.port, ...port } });
    },
    "vlan.add": ({ netns, name, vlan }) => {
      const link = this.#link(netns, name);
      // A port has one VLAN for frames without a tag.
      const others = this.#vlans(link)
        .filter(({ id }) => id !== vlan.id)
        .map(({ pvid, ...rest }) => (pvid === true && vlan.pvid !== true ? { ...rest, pvid } : rest));
      this.#update(link, { vlans: [...others, vlan] });
    },
    "vlan.del": ({ netns, name, id }) => {
      const link = this.#link(netns, name);
      if (!this.#vlans(link).some((vlan) => vlan.id === id)) throw new Error(`ENOENT vlan ${id} of ${name}`);
      this.#update(link, { vlans: this.#vlans(link).filter((vlan) => vlan.id !== id) });
    },
    "link.del": ({ netns, name }) => {
      this.#link(netns, name);
      this.#deleteLink(netns, name);
    },
    "ovs.set": (args) => {
      const { gone, made } = setOvsBridge(this.state, args);
      for (const name of gone) this.#deleteLink(HOST, name);
      for (const name of made) this.state.link.push(ovsLink(name, this.#index++));
    },
    "ovs.unport": ({ name, ports }) =>
      unplugOvs(this.state, name, ports).forEach((link) => this.#deleteLink(HOST, link)),
    "ovs.del": ({ name }) => removeOvsBridge(this.state, name).forEach((link) => this.#deleteLink(HOST, link)),
    "sysctl.set": ({ netns, key, value, borrows, givesBack }) => {
      const known = this.state.sysctl.find((one) => KEYS.sysctl(one) === KEYS.sysctl({ netns, key }));
      const before = givesBack === true ? null : (known?.before ?? (borrows === true ? (known?.value ?? "0") : null));
      this.#put("sysctl", KEYS.sysctl, { netns, key, value, before });
    },
    "address.add": ({ netns, dev, address, validUntil = null, preferredUntil = validUntil }) => {
      this.#link(netns, dev);
      this.#put("address", KEYS.address, { netns, dev, address, validUntil, preferredUntil, owned: true });
    },
    "address.del": (args) => this.#remove("address", KEYS.address, args),
    "neighbor.add": ({ netns, dev, to, mac = null, proxy = false }) => {
      this.#link(netns, dev);
      this.#put("neighbor", KEYS.neighbor, { netns, dev, to, mac, proxy, owned: true });
    },
    "neighbor.del": (args) => this.#remove("neighbor", KEYS.neighbor, args),
    "fdb.add": ({ netns, dev, mac, remote = null, vni = null, port = null, vlan = null }) => {
      const link = this.#link(netns, dev);
      if (remote === null && link.master === null) throw new Error(`EOPNOTSUPP ${dev} is no port of a bridge`);
      const entry = { netns, dev, mac, remote, vni, port, vlan, owned: true };
      const known = this.state.fdb.some((other) => KEYS.fdb(other) === KEYS.fdb(entry));
      if (known && vlan !== null) return;
      if (known) throw new Error(`EEXIST fdb ${KEYS.fdb(entry)}`);
      this.state.fdb.push(entry);
      if (vlan !== null || remote !== null) return;
      // One for each VLAN of the port comes beside it.
      for (const { id } of link.vlans ?? []) {
        const beside = { ...entry, vlan: id };
        if (!this.state.fdb.some((other) => KEYS.fdb(other) === KEYS.fdb(beside))) this.state.fdb.push(beside);
      }
    },
    "fdb.del": (args) => {
      this.#remove("fdb", KEYS.fdb, args);
      const { netns, dev, mac, vlan, remote } = args;
      // That of all VLANs takes those of the port's VLANs along.
      const ids = new Set((this.#link(netns, dev).vlans ?? []).map(({ id }) => id));
      if (vlan === undefined && remote === undefined)
        this.#drop(
          "fdb",
          (entry) =>
            entry.netns === netns &&
            entry.dev === dev &&
            entry.mac === mac &&
            entry.vlan !== null &&
            ids.has(entry.vlan),
        );
    },
    "route.add": (spec) => {
      const { netns, to, dev = null, hops = [], type = "unicast" } = spec;
      const devs = [...(dev === null ? [] : [dev]), ...hops.map((hop) => hop.dev)];
      if (devs.length === 0 && type === "unicast") throw new Error(`EINVAL route ${to} leads nowhere`);
      for (const name of devs) this.#link(netns, name);
      this.#put("route", KEYS.route, {
        netns,
        to,
        table: spec.table ?? TABLE_MAIN,
        type,
        dev,
        via: spec.via ?? null,
        metric: spec.metric ?? null,
        source: spec.source ?? null,
        mtu: spec.mtu ?? null,
        advmss: spec.advmss ?? null,
        onlink: spec.onlink ?? false,
        hops,
        protocol: OWNER.protocol,
        owned: true,
      });
    },
    "route.del": (args) => this.#remove("route", KEYS.route, args),
    "rule.add": ({ kind: _kind, ...rule }) => {
      if (this.state.rule.some((other) => KEYS.rule(other) === KEYS.rule(rule)))
        throw new Error(`EEXIST rule ${KEYS.rule(rule)}`);
      this.state.rule.push({ ...rule, owned: true });
    },
    "rule.del": (args) => this.#remove("rule", KEYS.rule, args),
    "nft.load": (spec) =>
      this.#put("nft", KEYS.nft, {
        netns: spec.netns,
        family: spec.family,
        table: spec.table,
        hash: nftHash(spec),
        touched: false,
      }),
    "nft.del": (args) => this.#remove("nft", KEYS.nft, args),
    "wireguard.device": ({ netns, dev, publicKey, listenPort, fwmark = 0 }) => {
      this.#link(netns, dev);
      const old = this.state.wireguard.find((device) => device.netns === netns && device.dev === dev);
      this.#put("wireguard", KEYS.wireguard, { netns, dev, publicKey, listenPort, fwmark, peers: old?.peers ?? [] });
    },
    "wireguard.peer": ({ netns, dev, peer }) => this.#changePeers(netns, dev, peer.publicKey, peer),
    "wireguard.unpeer": ({ netns, dev, publicKey }) => this.#changePeers(netns, dev, publicKey, undefined),
    "file.set": (spec) =>
      this.#put("file", KEYS.file, {
        path: spec.path,
        hash: fileHash(spec),
        mode: spec.mode ?? FILE_MODE,
        owned: true,
      }),
    "file.del": (args) => this.#remove("file", KEYS.file, args),
    "process.set": (spec) => this.#put("process", KEYS.process, { name: spec.name, hash: processHash(spec) }),
    "process.del": (args) => this.#remove("process", KEYS.process, args),
  };

  #addLink(spec: LinkSpec & { readonly down?: true }): void {
    for (const end of spec.peer === undefined ? [spec] : [spec, spec.peer]) {
      if (this.state.link.some((link) => KEYS.link(link) === KEYS.link(end)))
        throw new Error(`EEXIST link ${KEYS.link(end)}`);
      if (end.netns !== HOST && !this.state.netns.some((netns) => netns.name === end.netns))
        throw new Error(`ENOENT netns ${end.netns}`);
    }
    if (spec.lower !== undefined) this.#link(spec.lower.netns, spec.lower.name);
    const bornIn = spec.type === "wireguard" ? (spec.bornIn ?? HOST) : null;
    if (bornIn !== null && bornIn !== HOST && !this.state.netns.some((netns) => netns.name === bornIn))
      throw new Error(`ENOENT netns ${bornIn}`);
    const [index, peerIndex] = [this.#index, this.#index + 1];
    this.#index += 2;
    const common = {
      up: true,
      carrier: true,
      owned: true,
      alias: null,
      group: OWNER.linkGroup,
      adopted: false,
      mtu: 1500,
      type: spec.type,
      master: null,
      masterOwned: false,
      lower: null,
      bornIn: null,
      options: {},
      port: null,
      vlans: null,
    } as const;
    const near: ActualLink = {
      ...common,
      netns: spec.netns,
      name: spec.name,
      index,
      mtu: spec.mtu ?? 1500,
      mac: spec.mac ?? null,
      up: spec.down !== true,
      lower: spec.lower ?? null,
      bornIn,
      options: { ...(spec.type === "bridge" ? { defaultPvid: DEFAULT_PVID } : {}), ...spec.options },
      vlans: spec.type === "bridge" ? defaultVlans(spec) : null,
      peerIndex: spec.peer === undefined ? null : peerIndex,
    };
    if (spec.master !== undefined && this.#link(spec.netns, spec.master).type === "bond" && near.up)
      throw new Error(`EPERM ${spec.name} is up and cannot enter a bond`);
    this.state.link.push(spec.master === undefined ? near : { ...near, ...this.#plugged(near, spec.master) });
    if (spec.peer === undefined) return;
    const { netns, name, mac, mtu = 1500 } = spec.peer;
    this.state.link.push({ ...common, netns, name, mac, mtu, index: peerIndex, peerIndex: index });
  }

  /** What becomes of a link that is plugged into a bridge or bond, or pulled out. */
  #plugged(link: ActualLink, master: string | null): Partial<ActualLink> {
    const above = master === null ? null : this.#link(link.netns, master);
    const wasBridge = above?.type === "bridge";
    const pvid = Number(above?.options?.["defaultPvid"] ?? DEFAULT_PVID);
    return {
      master,
      masterOwned: above?.owned ?? false,
      adopted: !link.owned && master !== null,
      port: wasBridge ? PORT_DEFAULTS : null,
      vlans: wasBridge ? (pvid === 0 ? [] : [{ id: pvid, pvid: true, untagged: true }]) : null,
    };
  }

  #vlans({ name, vlans }: ActualLink): readonly PortVlan[] {
    if (vlans === null) throw new Error(`EOPNOTSUPP ${name} is neither a bridge nor a port of one`);
    return vlans;
  }

  #update(link: ActualLink, change: Partial<ActualLink>): void {
    this.state.link = this.state.link.map((other) => (other === link ? { ...other, ...change } : other));
  }

  #deleteLink(netns: string, name: string): void {
    const link = this.state.link.find((candidate) => candidate.netns === netns && candidate.name === name);
    if (link === undefined) return;
    this.#drop("link", (candidate) => candidate === link);
    for (const part of ["address", "neighbor", "fdb", "wireguard"] as const)
      this.#drop(part, (object) => object.netns === netns && object.dev === name);
    this.#drop("route", (r) => r.netns === netns && (r.dev === name || r.hops.some((hop) => hop.dev === name)));
    const ports = this.state.link.filter((port) => port.netns === netns && port.master === name);
    for (const port of ports) {
      this.#drop("fdb", (entry) => entry.netns === netns && entry.dev === port.name && entry.remote === null);
      this.#update(port, this.#plugged(port, null));
    }
    const uppers = this.state.link.filter((upper) => sitsIn(upper, netns) && upper.lower.name === name);
    for (const upper of uppers) this.#deleteLink(upper.netns, upper.name);
    const peer =
      link.peerIndex === null
        ? undefined
        : this.state.link.find((candidate) => candidate.index === link.peerIndex && candidate.peerIndex === link.index);
    if (peer !== undefined) this.#deleteLink(peer.netns, peer.name);
  }

  #changePeers(netns: string, dev: string, publicKey: string, peer: PeerChange | undefined): void {
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
              presharedKey:
                peer.presharedKey === undefined
                  ? (old?.presharedKey ?? null)
                  : (peer.presharedKey?.fingerprint() ?? null),
            },
          ];
    this.#put("wireguard", KEYS.wireguard, { ...device, peers });
  }

  #link(netns: string, name: string): ActualLink {
    const found = this.state.link.find((link) => link.netns === netns && link.name === name);
    if (found === undefined) throw new Error(`ENODEV link ${netns}/${name}`);
    return found;
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
