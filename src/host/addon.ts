/** The one door to native/: finds and loads netloom.node, and gives its JSON types. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import type * as Native from "../../native/binding/index.d.ts";
import type { Request } from "./netlink-requests.ts";
import type { KernelDigest, MonitorGroup, NftBaseChains } from "./digest-types.ts";
import type {
  KernelEvent,
  LinkState,
  NetnsEntry,
  NftContent,
  NftRuleset,
  NftTable,
  Outcome,
  PeerCredentials,
  Reached,
  Tables,
  WireguardConfig,
  WireguardDevice,
} from "./netlink-types.ts";

const FILE = "netloom.node";

let loaded: typeof Native | undefined;

/** Where the addon may lie: beside the shipped binary, then in the repository that this file belongs to. */
function addonPaths(): readonly string[] {
  const beside = join(dirname(process.execPath), FILE);
  // In the compiled binary this file lies in Bun's virtual file system, where no repository is around it.
  const compiled = import.meta.dirname.startsWith("/$bunfs/");
  return compiled ? [beside] : [beside, join(import.meta.dirname, "../../dist", FILE)];
}

/** Loaded at first use, so that planning works where there is no addon. dlopen by path, since neither runtime bundles it. */
function native(): typeof Native {
  if (loaded !== undefined) return loaded;
  const paths = addonPaths();
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Error(`cannot load the addon: no ${paths.join(", no ")}; build it with \`npm run build\``);
  }
  const module: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot load the addon ${path}: ${why}; build it anew with \`npm run build\``, { cause });
  }
  loaded = module.exports as typeof Native;
  return loaded;
}

/** Netlink sockets inside one network namespace. An open one keeps the namespace alive: close it before deletion. */
export class Netlink implements Disposable {
  readonly #socket: Native.NetlinkSocket;

  private constructor(socket: Native.NetlinkSocket) {
    this.#socket = socket;
  }

  /** Opens them in the namespace at `netnsPath`, or in the process's own. */
  static async open(netnsPath?: string): Promise<Netlink> {
    return new Netlink(await native().NetlinkSocket.open(netnsPath));
  }

  /** Creates /run/netns/NAME as {@link netnsCreate} does, and opens the sockets in it: one visit instead of two. */
  static async create(name: string, group: number): Promise<Netlink> {
    return new Netlink(await native().NetlinkSocket.create(name, group));
  }

  /** {@link Netlink.open} for many namespaces in one call: the sockets or the reason why there are none, in the same order. */
  static async openMany(netnsPaths: readonly string[]): Promise<readonly (Netlink | Native.Refusal)[]> {
    const opened = await native().NetlinkSocket.openMany([...netnsPaths]);
    return opened.map((one) => ("message" in one ? one : new Netlink(one)));
  }

  /** What was sent by these sockets until now; a torn dump that was repeated counts again. */
  requests(): Native.Requests {
    return this.#socket.requests();
  }

  /** What the addon knows it by. */
  get native(): Native.NetlinkSocket {
    return this.#socket;
  }

  /** The given tables, each consistent in itself. */
  async dump<K extends keyof Tables>(...tables: readonly K[]): Promise<Pick<Tables, K>> {
    return JSON.parse(await this.#socket.dump(JSON.stringify(tables))) as Pick<Tables, K>;
  }

  /** Executes the requests in order; one that fails does not stop the others. One outcome each, in the same order. */
  async batch(requests: readonly Request[]): Promise<readonly Outcome[]> {
    return JSON.parse(await this.#socket.batch(JSON.stringify(requests))) as readonly Outcome[];
  }

  /** The WireGuard device `name`. Rejects with ENODEV, or EOPNOTSUPP when the kernel has no WireGuard. */
  async wireguardGet(name: string): Promise<WireguardDevice> {
    return JSON.parse(await this.#socket.wireguardGet(name)) as WireguardDevice;
  }

  /** What the drivers of links say (ethtool), in the order of their indices; links whose driver says nothing are left out. */
  async linkStates(): Promise<readonly LinkState[]> {
    return JSON.parse(await this.#socket.linkStates()) as readonly LinkState[];
  }

  /** Applies the change to the WireGuard device `name`. All of it is checked before the first message is sent. */
  async wireguardSet(name: string, config: WireguardConfig): Promise<void> {
    await this.#socket.wireguardSet(name, JSON.stringify(config));
  }

  /** Generation and tables of nftables. */
  async nftTables(): Promise<NftRuleset> {
    return JSON.parse(await this.#socket.nftTables()) as NftRuleset;
  }

  /**
   * Puts an nftables table in the place of the one of that name, in one transaction. EOPNOTSUPP, and nothing is changed, for
   * what only `nft` can load. @returns what it made
   */
  async nftLoad(table: NftTable): Promise<NftContent> {
    return JSON.parse(await this.#socket.nftLoad(JSON.stringify(table))) as NftContent;
  }

  /** What an nftables table holds. */
  async nftContent(family: string, table: string): Promise<NftContent> {
    return JSON.parse(await this.#socket.nftContent(family, table)) as NftContent;
  }

  /** Removes an nftables table, if there is one. @returns the generation after that */
  async nftDelete(family: string, table: string): Promise<number> {
    return await this.#socket.nftDelete(family, table);
  }

  /** Generation and base chains of nftables, ours and others'. */
  async nftChains(): Promise<NftBaseChains> {
    return JSON.parse(await this.#socket.nftChains()) as NftBaseChains;
  }

  /** Closes the sockets once the calls that are under way are done; later ones reject with EBADF. */
  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Hosts that are asked whether they answer, by one link. Nothing waits: look until all have answered, and dispose. */
export class Reach implements Disposable {
  readonly #asked: Native.Reach;

  private constructor(asked: Native.Reach) {
    this.#asked = asked;
  }

  /** Asks "tcp://192.0.2.1:443" and "icmp://2001:db8::1" by the link `dev` of the namespace at `netnsPath` (null: ours). */
  static async open(netnsPath: string | null, dev: string, targets: readonly string[]): Promise<Reach> {
    return new Reach(await native().Reach.open(netnsPath, dev, [...targets]));
  }

  /** One for each target; both are null while it has not answered. */
  look(): readonly Reached[] {
    return JSON.parse(this.#asked.look()) as readonly Reached[];
  }

  [Symbol.dispose](): void {
    this.#asked.close();
  }
}

/** All that this process has sent to the kernel, by sockets that are closed too. */
export function requestsOfProcess(): Native.Requests {
  return native().requestsOfProcess();
}

/** What is asked of one namespace by {@link batchAcross}: on open sockets, or with null on one that is opened at `path` for this once. */
export interface NetlinkShare {
  readonly socket: Netlink | null;
  readonly path: string;
  readonly requests: readonly Request[];
}

/** {@link Netlink.batch} in several namespaces, one after the other, in one call. For each the outcomes, or why it could not be entered. */
export async function batchAcross(
  shares: readonly NetlinkShare[],
): Promise<readonly (readonly Outcome[] | Native.Refusal)[]> {
  const sockets = shares.map(({ socket }) => socket?.native ?? null);
  const asked = shares.map(({ socket, path, requests }) => ({ path: socket === null ? path : null, requests }));
  const answers: unknown = JSON.parse(await native().NetlinkSocket.batchAcross(sockets, JSON.stringify(asked)));
  return answers as readonly (readonly Outcome[] | Native.Refusal)[];
}

/** Creates /run/netns/NAME; its `lo` is up and has the group before the name appears. EEXIST when the name is taken. */
export async function netnsCreate(name: string, group: number): Promise<void> {
  await native().netnsCreate(name, group);
}

/** Removes the name; the namespace ends when no process and no socket is left in it. ENOENT when absent. */
export async function netnsDelete(name: string): Promise<void> {
  await native().netnsDelete(name);
}

/** Removes what {@link netnsCreate} or {@link netnsDelete} left in /run/netns when they were interrupted: a name without a namespace. */
export async function netnsSweep(): Promise<void> {
  await native().netnsSweep();
}

/** Every name in /run/netns, in order. */
export async function netnsList(): Promise<readonly NetnsEntry[]> {
  return JSON.parse(await native().netnsList()) as readonly NetnsEntry[];
}

/**
 * The id by which our namespace knows the one at `netnsPath`; it gets one when it has none. A monitor hears only of namespaces
 * that have one.
 */
export async function netnsId(netnsPath: string): Promise<number> {
  return await native().netnsId(netnsPath);
}

/** {@link netnsId} of many in one call; null for those that are not there. */
export async function netnsIds(netnsPaths: readonly string[]): Promise<readonly (number | null)[]> {
  return await native().netnsIds([...netnsPaths]);
}

/** Values of kernel parameters in the namespace at `netnsPath` (null: ours); null for those that do not exist. Keys as in sysctl(8). */
export async function sysctlGet<K extends string>(
  netnsPath: string | null,
  keys: readonly K[],
): Promise<Readonly<Record<K, string | null>>> {
  return JSON.parse(await native().sysctlGet(netnsPath, [...keys])) as Readonly<Record<K, string | null>>;
}

/** Sets one kernel parameter. ENOENT when there is none of that name. */
export async function sysctlSet(netnsPath: string | null, key: string, value: string): Promise<void> {
  await native().sysctlSet(netnsPath, key, value);
}

/** Sets kernel parameters of one namespace in order; one that fails does not stop the others. One outcome each. */
export async function sysctlSetMany(
  netnsPath: string | null,
  parameters: readonly (readonly [key: string, value: string])[],
): Promise<readonly Outcome[]> {
  return JSON.parse(await native().sysctlSetMany(netnsPath, JSON.stringify(parameters))) as readonly Outcome[];
}

/** Asks the routers at a link of the namespace at `netnsPath` (null: ours) to advertise themselves now (RFC 4861, 6.3.7). */
export async function routerSolicit(netnsPath: string | null, dev: string): Promise<void> {
  await native().routerSolicit(netnsPath, dev);
}

/** Raises the soft limit of open descriptors to the hard one, and that to 65,536 where we may. @returns what holds now */
export function raiseDescriptors(): Native.Descriptors {
  return native().raiseDescriptors();
}

/** True when the kernel's clock follows a time server: STA_UNSYNC of adjtimex(2) is not set. */
export function clockSynchronised(): boolean {
  return native().clockSynchronised();
}

/**
 * Calls back for every change in the namespace at `netnsPath` (null: ours) and in all that have an id there, until
 * it is disposed. Does not keep the process alive.
 */
export function openMonitor(netnsPath: string | null, onEvent: (event: KernelEvent) => void): Disposable {
  let open = true;
  const monitor = native().Monitor.open(netnsPath, (json) => {
    // Some may have been queued when it was closed.
    if (open) onEvent(JSON.parse(json) as KernelEvent);
  });
  return {
    [Symbol.dispose](): void {
      open = false;
      monitor.close();
    },
  };
}

/**
 * Calls back with what changed in the namespace at `netnsPath` (null: ours) and in all that have an id there, a burst at a
 * time, until it is disposed. Does not keep the process alive.
 */
export function openDigests(
  netnsPath: string | null,
  groups: readonly MonitorGroup[],
  onDigest: (digest: KernelDigest) => void,
): Disposable {
  let open = true;
  const monitor = native().Monitor.openDigests(netnsPath, [...groups], (json) => {
    // One may have been queued when it was closed.
    if (open) onDigest(JSON.parse(json) as KernelDigest);
  });
  return {
    [Symbol.dispose](): void {
      open = false;
      monitor.close();
    },
  };
}

/** SO_PEERCRED of a connected unix socket. EBADF or ENOTSOCK when `fd` is none. */
export function peerCred(fd: number): PeerCredentials {
  return native().peerCred(fd);
}

/** Version of the loaded addon; equal to the package's when both were built together. */
export function addonVersion(): string {
  return native().addonVersion();
}
