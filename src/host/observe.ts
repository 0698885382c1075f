import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { stat } from "node:fs/promises";
import { errorCode, isGone } from "../lib/errors.ts";
import { uptime } from "../lib/uptime.ts";
import type { Actual, ActualSysctl, ActualWireguard } from "../model/actual.ts";
import { HOST, OWNER, type Target } from "../model/kernel.ts";
import { netnsList, sysctlGet, type Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Link } from "./netlink-types.ts";
import { hashInComment } from "./nft.ts";
import type { InNetns } from "./observe/named.ts";
import { addressesOf, fdbOf, linksOf, neighborsOf, routesOf, rulesOf, type Look } from "./observe/tables.ts";
import type { Records } from "./records.ts";
import type { Supervisor } from "./supervisor/index.ts";

export interface ObserveContext {
  /** IFLA_GROUP of `lo` in the namespaces that are this daemon's. */
  readonly netnsMark: number;
  readonly namespaces: Namespaces;
  readonly records: Records;
  readonly supervisor: Supervisor;
}

/** A name under /run/netns that stands for a namespace. */
export interface NetnsName {
  readonly name: string;
  readonly owned: boolean;
  /** Of the namespace: the name may come to stand for another one. */
  readonly inode: number;
}

/** The namespaces by name; `settled` is false while one of them is in the making, or of what a crash left of that. */
export async function listNetns({
  netnsMark,
}: ObserveContext): Promise<{ readonly all: readonly NetnsName[]; readonly settled: boolean }> {
  const entries = await netnsList();
  const all = await Promise.all(
    entries.map(async ({ name, group }): Promise<NetnsName | undefined> => {
      // A name without a namespace is what a crash leaves in the middle of a creation; the next creation takes it over.
      if (group === null) return undefined;
      const inode = await stat(netnsPath(name)).then(
        ({ ino }) => ino,
        () => undefined,
      );
      return inode === undefined ? undefined : { name, owned: group === netnsMark, inode };
    }),
  );
  const found = all.filter((entry) => entry !== undefined);
  return { all: found, settled: found.length === entries.length };
}

/** Someone removed the namespace, or a step of ours closed its sockets, while we looked: the next pass sees what is left. */
export function vanished(error: unknown): boolean {
  return isGone(error) || errorCode(error) === "EBADF";
}

/** What is in a namespace, of kernel parameters only those that `wish` names; undefined when it ended meanwhile. */
export async function observeNetns(context: ObserveContext, netns: string, wish: Target): Promise<InNetns | undefined> {
  try {
    const netlink = await context.namespaces.netlink(netns);
    const tables = await netlink.dump("links", "addresses", "routes", "rules", "neighbors", "fdb", "vlans");
    const look: Look = {
      netns,
      tables,
      now: uptime(),
      isAdopted: (place, name, index) => context.records.isAdopted(place, name, index),
    };
    const [wireguard, nft, sysctl] = await Promise.all([
      observeWireguard(context.records, netlink, netns, tables.links),
      observeNft(context.records, netlink, netns),
      observeSysctls(netns, wish),
    ]);
    return {
      link: linksOf(look),
      address: addressesOf(look),
      neighbor: neighborsOf(look),
      fdb: fdbOf(look),
      route: routesOf(look),
      rule: rulesOf(look),
      wireguard,
      nft,
      sysctl,
    };
  } catch (error) {
    if (netns !== HOST && vanished(error)) return undefined;
    throw error;
  }
}

async function observeWireguard(
  records: Records,
  netlink: Netlink,
  netns: string,
  all: readonly Link[],
): Promise<readonly ActualWireguard[]> {
  const ours = all.filter((link) => link.kind === "wireguard" && link.group === OWNER.linkGroup);
  return await Promise.all(ours.map(({ name }) => observeDevice(records, netlink, netns, name)));
}

/** A WireGuard device as it is now. */
export async function observeDevice(
  records: Records,
  netlink: Netlink,
  netns: string,
  dev: string,
): Promise<ActualWireguard> {
  const { publicKey, listenPort, fwmark, peers } = await netlink.wireguardGet(dev);
  return {
    netns,
    dev,
    publicKey,
    listenPort,
    fwmark,
    peers: peers.map(({ persistentKeepalive, hasPresharedKey, ...peer }) => ({
      ...peer,
      presharedKey: hasPresharedKey ? records.presharedKey(netns, dev, peer.publicKey) : null,
      keepalive: persistentKeepalive,
      givenEndpoint: records.givenEndpoint(netns, dev, peer.publicKey),
    })),
  };
}

async function observeNft(records: Records, netlink: Netlink, netns: string): Promise<Actual["nft"]> {
  const { generation, tables } = await netlink.nftTables();
  const recorded = records.nftGeneration(netns);
  const ours = tables.filter(({ name }) => name === OWNER.nftTable || name.startsWith(`${OWNER.nftTable}-`));
  const touched = recorded !== undefined && recorded !== generation;
  return ours.map(({ family, name: table, comment }) => ({
    netns,
    family,
    table,
    hash: hashInComment(comment),
    touched,
  }));
}

/** The kernel parameters that a wish names. */
export async function observeSysctls(netns: string, wish: Target): Promise<readonly ActualSysctl[]> {
  const specs = wish.filter((object) => object.kind === "sysctl");
  if (specs.length === 0) return [];
  const keys = specs.map(({ key }) => key);
  const values = await sysctlGet(netns === HOST ? null : netnsPath(netns), keys);
  return await Promise.all(
    specs.map(async ({ key, atLeast }) => {
      const here = atLeast !== true || (await isWritable(key));
      return { netns, key, value: here ? (values[key] ?? null) : null };
    }),
  );
}

/** A limit of the whole machine can be read in every namespace, and be set in the first one only. */
async function isWritable(key: string): Promise<boolean> {
  return await access(join("/proc/sys", key.replaceAll(".", "/")), constants.W_OK).then(
    () => true,
    () => false,
  );
}
