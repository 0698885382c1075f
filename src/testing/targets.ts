import fc from "fast-check";
import { fromPrivate } from "../host/wireguard-keys.ts";
import { Secret } from "../lib/secret.ts";
import { given, mac, maybe } from "./arbitraries.ts";
import { anyOvs, type Datapath } from "./target-ovs.ts";
import { anyTables } from "./target-tables.ts";
import { HOST, type KernelObject, type LinkSpec, type Target } from "../model/kernel.ts";
import { PORT_DEFAULTS, type PortSpec, type PortVlan } from "../model/link-options.ts";

/** What a kernel may lack. */
export type Feature = "vlan" | "bond" | "dummy" | "wireguard" | "bridge vlan filtering";

export interface TargetOptions {
  readonly lacks?: ReadonlySet<Feature>;
  /** Seconds since the kernel started: lifetimes end later than that. */
  readonly now?: number;
  /** Datapaths of Open vSwitch that bridges may have; none when left out. */
  readonly datapaths?: readonly Datapath[];
}

const port: fc.Arbitrary<PortSpec> = fc
  .uniqueArray(fc.constantFrom(...(Object.keys(PORT_DEFAULTS) as (keyof PortSpec)[])), { maxLength: 4 })
  .map((flags) => Object.fromEntries(flags.map((flag) => [flag, !PORT_DEFAULTS[flag]])));

const vlans: fc.Arbitrary<readonly PortVlan[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 })
  .chain((ids) => fc.record({ pvid: maybe(fc.constantFrom(...ids, 0)), untagged: fc.boolean(), ids: fc.constant(ids) }))
  .map(({ ids, pvid, untagged }) =>
    ids.map((id) => ({
      id,
      ...(id === pvid ? { pvid: true as const } : {}),
      ...(untagged ? { untagged: true as const } : {}),
    })),
  );

const bridge = fc.record({
  filters: fc.boolean(),
  defaultPvid: maybe(fc.constantFrom(0, 1, 4)),
  ageing: fc.constantFrom(100, 300),
  vlans: maybe(vlans),
});

/** What any link may be plugged into. */
const plug = fc.record({ master: maybe(fc.constantFrom("b0", "b1", "bo0")), port: maybe(port), vlans: maybe(vlans) });

const placeWish = fc.record({
  b0: maybe(bridge),
  b1: maybe(bridge),
  bo0: maybe(
    fc.record({
      mode: fc.constantFrom("active-backup" as const, "802.3ad" as const),
      miimon: fc.constantFrom(100, 200),
      primary: fc.boolean(),
    }),
  ),
  d0: maybe(plug),
  if0: maybe(plug),
  t0: maybe(fc.record({ plug, owner: fc.constantFrom(0, 1000), mode: fc.constantFrom("tap", "tun") })),
  v0: maybe(fc.record({ near: plug, far: plug, mtu: fc.constantFrom(1400, 1500), abroad: fc.boolean() })),
  x0: maybe(fc.record({ plug, vni: fc.constantFrom(7, 8), ttl: fc.constantFrom(16, 64), onDummy: fc.boolean() })),
  vlan0: maybe(fc.record({ plug, id: fc.constantFrom(5, 6), lower: fc.constantFrom("d0", "bo0", "host d0") })),
  mv0: maybe(
    fc.record({
      onVlan: fc.boolean(),
      mode: fc.constantFrom("bridge", "private"),
      type: fc.constantFrom("macvlan", "macvtap"),
    }),
  ),
  wg: maybe(fc.record({ bornIn: fc.constantFrom(HOST, "nalpha", "nbeta") })),
  tables: anyTables,
});

type PlaceWish = typeof placeWish extends fc.Arbitrary<infer T> ? T : never;
type Plug = typeof plug extends fc.Arbitrary<infer T> ? T : never;

/**
 * Any target over all kinds of links, tables and rules that does not contradict itself, in the node and in two namespaces:
 * one that a kernel takes.
 */
export function targets({ lacks = new Set(), now = 0, datapaths = [] }: TargetOptions = {}): fc.Arbitrary<Target> {
  return fc
    .record({ host: placeWish, alpha: maybe(placeWish), beta: maybe(placeWish), ovs: anyOvs(datapaths) })
    .map(({ host, alpha, beta, ovs }) => {
      const places = [
        [HOST, host],
        ["nalpha", alpha],
        ["nbeta", beta],
      ] as const;
      const objects = places.flatMap(([netns, wish]): readonly KernelObject[] => {
        if (wish === undefined) return [];
        const abroad = netns !== HOST || alpha === undefined ? netns : "nalpha";
        const hostDummy = host.d0 !== undefined && host.d0.master !== "bo0";
        const made = links(netns, wish, abroad, hostDummy, lacks);
        const wanted = new Set(places.flatMap(([name, one]) => (one === undefined ? [] : [name])));
        return [
          ...(netns === HOST ? [] : [{ kind: "netns", name: netns } as const]),
          ...made,
          ...(lacks.has("wireguard") ? [] : wireguard(netns, wish, wanted)),
          ...(netns === HOST ? ovs(made) : []),
          ...wish.tables({ netns, links: made.filter((link) => link.netns === netns), now }),
        ];
      });
      return objects;
    });
}

const KEY = fromPrivate(new Secret(Buffer.alloc(32, 7).toString("base64")));
const PORT = 51_800;

/** A device whose socket is in its own namespace, in another one, or in the node's. */
function wireguard(netns: string, { wg }: PlaceWish, wanted: ReadonlySet<string>): readonly KernelObject[] {
  if (wg === undefined) return [];
  // Before 6.15 the kernel refuses one that is born elsewhere if there is a link of its name where it is asked for.
  const dev = `wg${netns}`;
  const birth = wg.bornIn !== HOST && wanted.has(wg.bornIn) ? { bornIn: wg.bornIn } : {};
  const listenPort = PORT + netns.length;
  return [
    { kind: "link", netns, name: dev, type: "wireguard", ...birth },
    { kind: "wireguard", netns, dev, ...KEY, listenPort, peers: [] },
  ];
}

function links(
  netns: string,
  wish: PlaceWish,
  abroad: string,
  hostDummy: boolean,
  lacks: ReadonlySet<Feature>,
): readonly LinkSpec[] {
  const base = { kind: "link", netns } as const;
  const bond = !lacks.has("bond");
  const filters = !lacks.has("bridge vlan filtering");
  const plugged = (p: Plug, notInto?: string): Partial<Pick<LinkSpec, "master" | "port" | "vlans">> => {
    if (p.master === undefined || wish[p.master] === undefined || p.master === notInto) return {};
    if (p.master === "bo0") return bond ? { master: p.master } : {};
    return given({ master: p.master, port: p.port, vlans: filters ? p.vlans : undefined });
  };
  const found: LinkSpec[] = [];
  for (const name of ["b0", "b1"] as const) {
    const b = wish[name];
    if (b === undefined) continue;
    const { ageing, vlans: own, defaultPvid } = b;
    const vlanAware = filters ? given({ vlanFiltering: b.filters, defaultPvid }) : {};
    const members = filters ? given({ vlans: own }) : {};
    // Without one of its own a bridge that lost its ports has none, and takes no VLAN.
    const address = mac(name === "b0" ? 4 : 5);
    found.push({ ...base, name, type: "bridge", mac: address, options: { ageing, ...vlanAware }, ...members });
  }
  if (wish.bo0 !== undefined && bond) {
    const { primary, ...options } = wish.bo0;
    const named = primary && wish.bo0.mode === "active-backup" && wish.d0?.master === "bo0" ? { primary: "d0" } : {};
    found.push({ ...base, name: "bo0", type: "bond", options: { ...options, ...named } });
  }
  if (wish.d0 !== undefined) {
    const type = lacks.has("dummy") ? "ifb" : "dummy";
    found.push({ ...base, name: "d0", type, mac: mac(1), ...plugged(wish.d0) });
  }
  // An ifb cannot change its address, as a port of a bond has to.
  if (wish.if0 !== undefined) found.push({ ...base, name: "if0", type: "ifb", ...plugged(wish.if0, "bo0") });
  if (wish.t0 !== undefined)
    found.push({
      ...base,
      name: "t0",
      type: "tun",
      options: { mode: wish.t0.mode, owner: wish.t0.owner },
      // Packets without an Ethernet header have no place in a bridge.
      ...(wish.t0.mode === "tap" ? plugged(wish.t0.plug) : {}),
    });
  if (wish.x0 !== undefined) {
    const { plug: p, vni, ttl, onDummy } = wish.x0;
    // It carries less than a bond's other ports, which all have one MTU.
    const lower = onDummy && wish.d0 !== undefined ? { lower: { netns, name: "d0" } } : {};
    found.push({
      ...base,
      name: "x0",
      type: "vxlan",
      options: { vni, ttl, port: 4789 },
      ...lower,
      ...plugged(p, "bo0"),
    });
  }
  if (wish.v0 !== undefined) {
    const { near, far, mtu } = wish.v0;
    const place = wish.v0.abroad ? abroad : netns;
    const farName = `w${netns}`;
    const peer = { netns: place, name: farName, mac: mac(3) };
    found.push({ ...base, name: "v0", type: "veth", mac: mac(2), mtu, peer, ...plugged(near) });
    // Both ends in one bridge would send every frame round for ever.
    const there = place === netns ? plugged(far, near.master) : {};
    const bornWith = { netns, name: "v0" };
    found.push({ kind: "link", netns: place, name: farName, type: "veth", mac: mac(3), mtu, bornWith, ...there });
  }
  const vlan = lacks.has("vlan") ? undefined : wish.vlan0;
  // Before 6.15 the kernel refuses one that is born elsewhere if the node has a link of its name.
  const vlanName = `vlan${netns === HOST ? "0" : netns}`;
  const lower = vlan?.lower === "host d0" ? { netns: HOST, name: "d0" } : { netns, name: vlan?.lower ?? "" };
  const there = (name: string): boolean => found.some((link) => link.name === name);
  // A port of a bond is down while it enters, and what sits on it cannot be up then: nobody has VLANs below their bond.
  const inBond = found.some((link) => link.name === lower.name && link.master === "bo0");
  if (vlan !== undefined && (lower.netns === netns ? there(lower.name) && !inBond : hostDummy))
    // Several namespaces may have one on the node's link, each of a number of its own.
    found.push({
      ...base,
      name: vlanName,
      type: "vlan",
      options: { id: vlan.id + 10 * netns.length },
      lower,
      ...plugged(vlan.plug, "bo0"),
    });
  // A port's frames go to its bridge or bond, so the kernel lets no macvlan have them (EBUSY).
  const isPort = (name: string): boolean => found.some((link) => link.name === name && link.master !== undefined);
  const under = wish.mv0?.onVlan === true ? vlanName : "d0";
  if (wish.mv0 !== undefined && there(under) && !isPort(under))
    found.push({
      ...base,
      name: "mv0",
      type: wish.mv0.type,
      options: { mode: wish.mv0.mode },
      lower: { netns, name: under },
    });
  return found;
}
