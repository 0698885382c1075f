import { errorCode, isGone } from "../lib/errors.ts";
import type { Actual, ActualAddress, ActualLink, ActualRoute, ActualSysctl, ActualWireguard } from "../model/actual.ts";
import { HOST, OWNER, type Target } from "../model/kernel.ts";
import { netnsList, sysctlGet, type Netlink } from "./addon.ts";
import { netnsPath } from "./exec.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Link, Route, Tables } from "./netlink-types.ts";
import { hashInComment } from "./nft.ts";
import type { Records } from "./records.ts";
import type { Supervisor } from "./supervisor/index.ts";

/** rt_tables(5): only the main table is ours to look at. */
const TABLE_MAIN = 254;

export interface ObserveContext {
  /** IFLA_GROUP of `lo` in the namespaces that are this daemon's. */
  readonly netnsMark: number;
  readonly namespaces: Namespaces;
  readonly records: Records;
  readonly supervisor: Supervisor;
}

type InNetns = Pick<Actual, "link" | "address" | "route" | "wireguard" | "nft" | "sysctl">;

/** Looks at the node's namespace, at every namespace of ours and at those that the target names. Nothing is executed. */
export async function observe(context: ObserveContext, target: Target): Promise<Actual> {
  const wanted = new Set(target.flatMap((object) => (object.kind === "netns" ? [object.name] : [])));
  const netns = (await listNetns(context)).filter(({ name, owned }) => owned || wanted.has(name));
  context.namespaces.keepOnly(new Set(netns.map(({ name }) => name)));
  const parts = await Promise.all(
    [HOST, ...netns.filter(({ owned }) => owned).map(({ name }) => name)].map((name) =>
      observeNetns(context, name, target),
    ),
  );
  return {
    netns,
    link: parts.flatMap((part) => part.link),
    address: parts.flatMap((part) => part.address),
    route: parts.flatMap((part) => part.route),
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

const NOTHING: InNetns = { link: [], address: [], route: [], wireguard: [], nft: [], sysctl: [] };

async function observeNetns(context: ObserveContext, netns: string, target: Target): Promise<InNetns> {
  try {
    const netlink = await context.namespaces.netlink(netns);
    const tables = await netlink.dump("links", "addresses", "routes");
    const names = new Map(tables.links.map((link) => [link.index, link.name]));
    const [wireguard, nft, sysctl] = await Promise.all([
      observeWireguard(context.records, netlink, netns, tables.links),
      observeNft(context.records, netlink, netns),
      observeSysctls(netns, target),
    ]);
    return {
      link: links(context.records, netns, tables.links),
      address: addresses(netns, tables, names),
      route: routes(netns, tables, names),
      wireguard,
      nft,
      sysctl,
    };
  } catch (error) {
    if (netns !== HOST && vanished(error)) return NOTHING;
    throw error;
  }
}

function links(records: Records, netns: string, all: readonly Link[]): readonly ActualLink[] {
  const byIndex = new Map(all.map((link) => [link.index, link]));
  return all.map((link) => {
    const master = link.master === null ? undefined : byIndex.get(link.master);
    return {
      netns,
      name: link.name,
      index: link.index,
      type: link.kind ?? (link.type === "loopback" ? "loopback" : "physical"),
      mac: link.mac,
      mtu: link.mtu,
      up: link.up,
      carrier: link.carrier,
      master: master?.name ?? null,
      masterOwned: master?.group === OWNER.linkGroup,
      adopted: records.isAdopted(netns, link.name, link.index),
      peerIndex: link.peerIndex,
      owned: link.group === OWNER.linkGroup,
    };
  });
}

function addresses(netns: string, tables: Tables, names: ReadonlyMap<number, string>): readonly ActualAddress[] {
  return tables.addresses.flatMap(({ index, address, proto }) => {
    const dev = names.get(index);
    return dev === undefined ? [] : [{ netns, dev, address, owned: proto === OWNER.protocol }];
  });
}

function routes(netns: string, tables: Tables, names: ReadonlyMap<number, string>): readonly ActualRoute[] {
  return tables.routes.flatMap((route) => {
    const dev = route.index === null ? undefined : names.get(route.index);
    if (dev === undefined || route.table !== TABLE_MAIN || route.type !== "unicast") return [];
    return [
      {
        netns,
        to: destination(route),
        dev,
        via: route.via,
        metric: route.metric,
        owned: route.protocol === OWNER.protocol,
      },
    ];
  });
}

function destination({ to, family }: Route): string {
  return to !== "default" ? to : family === 4 ? "0.0.0.0/0" : "::/0";
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

async function observeSysctls(netns: string, target: Target): Promise<readonly ActualSysctl[]> {
  const keys = target.flatMap((object) => (object.kind === "sysctl" && object.netns === netns ? [object.key] : []));
  if (keys.length === 0) return [];
  const values = await sysctlGet(netns === HOST ? null : netnsPath(netns), keys);
  return keys.map((key) => ({ netns, key, value: values[key] ?? null }));
}
