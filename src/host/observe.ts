import { errorCode, isGone } from "../lib/errors.ts";
import { uptime } from "../lib/uptime.ts";
import type { Actual, ActualSysctl, ActualWireguard } from "../model/actual.ts";
import { HOST, OWNER, type Target } from "../model/kernel.ts";
import { netnsList, sysctlGet, type Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Link } from "./netlink-types.ts";
import { hashInComment } from "./nft.ts";
import { NOTHING, onlyNamed, type InNetns } from "./observe/named.ts";
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

/**
 * Looks at the node's namespace, at every namespace of ours, and in those of members at what the target names there.
 * Nothing is executed.
 */
export async function observe(context: ObserveContext, target: Target): Promise<Actual> {
  const wishes = Map.groupBy(target, (object) => ("netns" in object ? object.netns : object.name));
  const wanted = new Set(target.flatMap((object) => (object.kind === "netns" ? [object.name] : [])));
  const all = await listNetns(context);
  const netns = all.filter(({ name, owned }) => owned || wanted.has(name));
  context.namespaces.keepOnly(new Set(all.flatMap(({ name, owned }) => (owned || wishes.has(name) ? [name] : []))));
  const ours = netns.filter(({ owned }) => owned).map(({ name }) => name);
  // Someone else's that we do not want for ourselves is a member's.
  const members = all.filter(({ name, owned }) => !owned && !wanted.has(name) && wishes.has(name));
  const look = (name: string): Promise<InNetns> => observeNetns(context, name, wishes.get(name) ?? []);
  const parts = await Promise.all([
    ...[HOST, ...ours].map(look),
    ...members.map(async ({ name }) => onlyNamed(await look(name), wishes.get(name) ?? [])),
  ]);
  return {
    netns,
    link: parts.flatMap((part) => part.link),
    address: parts.flatMap((part) => part.address),
    neighbor: parts.flatMap((part) => part.neighbor),
    fdb: parts.flatMap((part) => part.fdb),
    route: parts.flatMap((part) => part.route),
    rule: parts.flatMap((part) => part.rule),
    wireguard: parts.flatMap((part) => part.wireguard),
    nft: parts.flatMap((part) => part.nft),
    sysctl: parts.flatMap((part) => part.sysctl),
    process: await context.supervisor.list(),
  };
}

/** The WireGuard devices in our namespaces, as they are now. It may run beside a pass: it closes nothing that the pass uses. */
export async function observeWireguardDevices(context: ObserveContext): Promise<readonly ActualWireguard[]> {
  const names = (await listNetns(context)).filter(({ owned }) => owned).map(({ name }) => name);
  const devices = names.map(async (netns) => {
    try {
      const netlink = await context.namespaces.netlink(netns);
      const { links: all } = await netlink.dump("links");
      return await observeWireguard(context.records, netlink, netns, all);
    } catch (error) {
      if (vanished(error)) return [];
      throw error;
    }
  });
  return (await Promise.all(devices)).flat();
}

async function listNetns({ netnsMark }: ObserveContext): Promise<Actual["netns"]> {
  const entries = await netnsList();
  // A name without a namespace is what a crash leaves in the middle of a creation; the next creation takes it over.
  return entries.flatMap(({ name, group }) => (group === null ? [] : [{ name, owned: group === netnsMark }]));
}

/** Someone removed the namespace, or a step of ours closed its sockets, while we looked: the next pass sees what is left. */
function vanished(error: unknown): boolean {
  return isGone(error) || errorCode(error) === "EBADF";
}

/** What is in a namespace; of kernel parameters only those that `wish` names. */
async function observeNetns(context: ObserveContext, netns: string, wish: Target): Promise<InNetns> {
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
    if (netns !== HOST && vanished(error)) return NOTHING;
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
  return await Promise.all(
    ours.map(async ({ name: dev }) => {
      const { publicKey, listenPort, peers } = await netlink.wireguardGet(dev);
      return {
        netns,
        dev,
        publicKey,
        listenPort,
        peers: peers.map(({ persistentKeepalive, hasPresharedKey: _preshared, ...peer }) => ({
          ...peer,
          keepalive: persistentKeepalive,
          givenEndpoint: records.givenEndpoint(netns, dev, peer.publicKey),
        })),
      };
    }),
  );
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

async function observeSysctls(netns: string, wish: Target): Promise<readonly ActualSysctl[]> {
  const keys = wish.flatMap((object) => (object.kind === "sysctl" ? [object.key] : []));
  if (keys.length === 0) return [];
  const values = await sysctlGet(netns === HOST ? null : netnsPath(netns), keys);
  return keys.map((key) => ({ netns, key, value: values[key] ?? null }));
}
