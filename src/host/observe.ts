import { errorCode, isGone } from "../lib/errors.ts";
import { uptime } from "../lib/uptime.ts";
import type { Actual, ActualWireguard } from "../model/actual.ts";
import type { NicFact } from "../model/facts.ts";
import { HOST, OWNER, type Target } from "../model/kernel.ts";
import { netnsList, type Netlink } from "./addon.ts";
import { netnsInode } from "./exec.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Link, NftRuleset, Tables } from "./netlink-types.ts";
import { hashInComment } from "./nft.ts";
import type { InNetns } from "./observe/named.ts";
import {
  addressesOf,
  fdbOf,
  isTunnelOfOurs,
  linksOf,
  neighborsOf,
  nicLinks,
  nicsOf,
  routesOf,
  rulesOf,
  type Look,
  type MadeLinks,
} from "./observe/tables.ts";
import type { NicDetails } from "./nic-details.ts";
import { observeSysctls } from "./parameters.ts";
import type { Ovs } from "./ovs.ts";
import type { Records } from "./records.ts";
import { routersOf, type Routers, type RouterSight } from "./routers.ts";
import type { Supervisor } from "./supervisor/index.ts";

export interface ObserveContext {
  /** IFLA_GROUP of `lo` in the namespaces that are this daemon's. */
  readonly netnsMark: number;
  readonly namespaces: Namespaces;
  readonly records: Records;
  readonly supervisor: Supervisor;
  readonly ovs: Ovs;
  readonly nicDetails: NicDetails;
  readonly routers: Routers;
  /** First line of this daemon's files. */
  readonly fileMark: string;
  readonly madeLinks: MadeLinks;
}

/** A name under /run/netns that stands for a namespace. */
export interface NetnsName {
  readonly name: string;
  readonly owned: boolean;
  /** IFLA_GROUP of its `lo`. */
  readonly mark: number;
  /** Of the namespace: the name may come to stand for another one. */
  readonly inode: number;
}

/** The namespaces by name; `settled` is false while one of them is in the making, or of what a crash left of that. */
export async function listNetns({
  netnsMark,
}: ObserveContext): Promise<{ readonly all: readonly NetnsName[]; readonly settled: boolean }> {
  const entries = await netnsList();
  // A name without a namespace is what a crash leaves in the middle of a creation; the next creation takes it over.
  const all = entries.flatMap(({ name, group, inode }) =>
    group === null ? [] : [{ name, owned: group === netnsMark, mark: group, inode }],
  );
  return { all, settled: all.length === entries.length };
}

/** Someone removed the namespace, or a step of ours closed its sockets, while we looked: the next pass sees what is left. */
export function vanished(error: unknown): boolean {
  return isGone(error) || errorCode(error) === "EBADF";
}

/** All that one call tells of a namespace. */
const TABLES = [
  "links",
  "addresses",
  "routes",
  "rules",
  "neighbors",
  "fdb",
  "vlans",
  "forwarding",
  "nft",
] as const satisfies readonly (keyof Tables)[];
/** What was seen in a namespace. */
export interface Seen {
  readonly part: InNetns;
  /** In the node's own. */
  readonly nics: readonly NicFact[];
  /** Links that heeded router advertisements. */
  readonly routers: ReadonlyMap<string, RouterSight>;
}

/** The NICs among the links of the node's own namespace. */
export async function nicFacts(
  { madeLinks, nicDetails }: ObserveContext,
  netlink: Netlink,
  tables: Pick<Tables, "links" | "addresses">,
): Promise<readonly NicFact[]> {
  return nicsOf(tables, madeLinks, await nicDetails.of(netlink, nicLinks(tables.links, madeLinks)));
}

/** What is in a namespace, of kernel parameters only those that `wish` names; undefined when it ended meanwhile. */
export async function observeNetns(context: ObserveContext, netns: string, wish: Target): Promise<Seen | undefined> {
  try {
    const netlink = await context.namespaces.netlink(netns);
    const { forwarding, nft, ...tables } = await netlink.dump(...TABLES);
    const births = await birthsOf(context.records, netns, tables.links);
    const look: Look = {
      netns,
      tables,
      now: uptime(),
      isAdopted: (place, name, index) => context.records.isAdopted(place, name, index),
      bornIn: (name) => births.get(name) ?? null,
    };
    const [wireguard, ours, sysctl] = await Promise.all([
      observeWireguard(context.records, netlink, netns, tables.links),
      observeNft(context.records, netlink, netns, nft),
      observeSysctls(context.records, netns, wish, forwarding),
    ]);
    const part = {
      link: linksOf(look),
      address: addressesOf(look),
      neighbor: neighborsOf(look),
      fdb: fdbOf(look),
      route: routesOf(look),
      rule: rulesOf(look),
      wireguard,
      nft: ours,
      sysctl,
    };
    const nics = netns === HOST ? await nicFacts(context, netlink, tables) : [];
    return { part, nics, routers: routersOf(tables) };
  } catch (error) {
    if (netns !== HOST && vanished(error)) return undefined;
    throw error;
  }
}

/** Where the WireGuard devices of a namespace were born, those whose namespace is still the one of that name. */
async function birthsOf(records: Records, netns: string, links: readonly Link[]): Promise<ReadonlyMap<string, string>> {
  const births = await Promise.all(
    links.filter(isTunnelOfOurs).map(async ({ name }): Promise<readonly (readonly [string, string])[]> => {
      const birth = records.birth(netns, name);
      if (birth === undefined) return [[name, HOST]];
      return (await netnsInode(birth.netns)) === birth.inode ? [[name, birth.netns]] : [];
    }),
  );
  return new Map(births.flat());
}

async function observeWireguard(
  records: Records,
  netlink: Netlink,
  netns: string,
  all: readonly Link[],
): Promise<readonly ActualWireguard[]> {
  return await Promise.all(all.filter(isTunnelOfOurs).map(({ name }) => observeDevice(records, netlink, netns, name)));
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

async function observeNft(
  records: Records,
  netlink: Netlink,
  netns: string,
  { generation, tables }: NftRuleset,
): Promise<Actual["nft"]> {
  const ours = tables.filter(({ name }) => name === OWNER.nftTable || name.startsWith(`${OWNER.nftTable}-`));
  return await Promise.all(
    ours.map(async ({ family, name: table, comment }) => {
      const loaded = records.nftTable(netns, family, table);
      const touched = loaded !== undefined && loaded.generation !== generation;
      const object = { netns, family, table, hash: hashInComment(comment) };
      if (!touched || loaded.content === null) return { ...object, touched };
      // Somebody made a transaction, which need not be about us.
      const now = await netlink.nftContent(family, table);
      const same = now.content === loaded.content;
      if (same) records.setNftTable(netns, family, table, now);
      return { ...object, touched: !same };
    }),
  );
}
