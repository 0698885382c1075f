import fc from "fast-check";
import { HOST, type KernelObject, type LinkSpec, type Target } from "../model/kernel.ts";
import { PORT_DEFAULTS, type PortSpec, type PortVlan } from "../model/link-options.ts";

const mac = (n: number): string => `02:00:00:00:00:${n.toString(16).padStart(2, "0")}`;
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
/** The members that have a value. */
const given = <T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

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
const plug = fc.record({ master: maybe(fc.constantFrom("b0", "b1", "bond0")), port: maybe(port), vlans: maybe(vlans) });

const placeWish = fc.record({
  b0: maybe(bridge),
  b1: maybe(bridge),
  bond0: maybe(
    fc.record({
      mode: fc.constantFrom("active-backup" as const, "802.3ad" as const),
      miimon: fc.constantFrom(100, 200),
      primary: fc.boolean(),
    }),
  ),
  d0: maybe(plug),
  ifb0: maybe(plug),
  t0: maybe(fc.record({ plug, owner: fc.constantFrom(0, 1000) })),
  v0: maybe(fc.record({ near: plug, far: plug, mtu: fc.constantFrom(1400, 1500), abroad: fc.boolean() })),
  x0: maybe(fc.record({ plug, vni: fc.constantFrom(7, 8), ttl: fc.constantFrom(16, 64), onDummy: fc.boolean() })),
  vlan0: maybe(fc.record({ plug, id: fc.constantFrom(5, 6), lower: fc.constantFrom("d0", "bond0", "host d0") })),
  mv0: maybe(fc.record({ lower: fc.constantFrom("d0", "vlan0"), mode: fc.constantFrom("bridge", "private") })),
  address: maybe(
    fc.record({ n: fc.constantFrom(1, 2), until: maybe(fc.constantFrom(1000, 2000)), early: fc.boolean() }),
  ),
  route: maybe(
    fc.record({
      way: fc.constantFrom("dev", "via", "hops", "blackhole", "prohibit"),
      table: maybe(fc.constantFrom(100, 101)),
      mtu: maybe(fc.constantFrom(1300, 1400)),
      onlink: fc.boolean(),
      weight: fc.constantFrom(1, 2),
    }),
  ),
  rules: fc.uniqueArray(
    fc.record({
      priority: fc.constantFrom(100, 200),
      mark: maybe(fc.constantFrom(1, 2)),
      action: fc.constantFrom("lookup", "blackhole"),
    }),
    { selector: (rule) => JSON.stringify(rule), maxLength: 3 },
  ),
  neighbor: maybe(fc.record({ n: fc.constantFrom(1, 2), proxy: fc.boolean() })),
  fdb: fc.uniqueArray(fc.record({ vxlan: fc.boolean(), n: fc.constantFrom(1, 2), vlan: maybe(fc.constant(5)) }), {
    selector: (entry) => JSON.stringify(entry),
    maxLength: 3,
  }),
});

type PlaceWish = typeof placeWish extends fc.Arbitrary<infer T> ? T : never;
type Plug = typeof plug extends fc.Arbitrary<infer T> ? T : never;

/** Any target over all kinds of links, tables and rules that does not contradict itself, in the node and in two namespaces. */
export const anyTarget: fc.Arbitrary<Target> = fc
  .record({ host: placeWish, alpha: maybe(placeWish), beta: maybe(placeWish) })
  .map(({ host, alpha, beta }) => {
    const places = [
      [HOST, host],
      ["nalpha", alpha],
      ["nbeta", beta],
    ] as const;
    const objects = places.flatMap(([netns, wish]): readonly KernelObject[] => {
      if (wish === undefined) return [];
      const abroad = netns !== HOST || alpha === undefined ? netns : "nalpha";
      const hostDummy = host.d0 !== undefined;
      const made = links(netns, wish, abroad, hostDummy);
      return [
        ...(netns === HOST ? [] : [{ kind: "netns", name: netns } as const]),
        ...made,
        ...tables(netns, wish, made),
      ];
    });
    return objects;
  });

function links(netns: string, wish: PlaceWish, abroad: string, hostDummy: boolean): readonly LinkSpec[] {
  const base = { kind: "link", netns } as const;
  const plugged = (p: Plug): Partial<Pick<LinkSpec, "master" | "port" | "vlans">> => {
    if (p.master === undefined || wish[p.master] === undefined) return {};
    return p.master === "bond0" ? { master: p.master } : given({ master: p.master, port: p.port, vlans: p.vlans });
  };
  const found: LinkSpec[] = [];
  for (const name of ["b0", "b1"] as const) {
    const b = wish[name];
    if (b === undefined) continue;
    const options = {
      vlanFiltering: b.filters,
      ageing: b.ageing,
      ...(b.defaultPvid === undefined ? {} : { defaultPvid: b.defaultPvid }),
    };
    found.push({ ...base, name, type: "bridge", options, ...(b.vlans === undefined ? {} : { vlans: b.vlans }) });
  }
  if (wish.bond0 !== undefined) {
    const { primary, ...options } = wish.bond0;
    const named = primary && wish.d0?.master === "bond0" ? { primary: "d0" } : {};
    found.push({ ...base, name: "bond0", type: "bond", options: { ...options, ...named } });
  }
  if (wish.d0 !== undefined) found.push({ ...base, name: "d0", type: "dummy", mac: mac(1), ...plugged(wish.d0) });
  if (wish.ifb0 !== undefined) found.push({ ...base, name: "ifb0", type: "ifb", ...plugged(wish.ifb0) });
  if (wish.t0 !== undefined)
    found.push({
      ...base,
      name: "t0",
      type: "tun",
      options: { mode: "tap", owner: wish.t0.owner },
      ...plugged(wish.t0.plug),
    });
  if (wish.x0 !== undefined) {
    const { plug: p, vni, ttl, onDummy } = wish.x0;
    const lower = onDummy && wish.d0 !== undefined ? { lower: { netns, name: "d0" } } : {};
    found.push({ ...base, name: "x0", type: "vxlan", options: { vni, ttl, port: 4789 }, ...lower, ...plugged(p) });
  }
  if (wish.v0 !== undefined) {
    const { near, far, mtu } = wish.v0;
    const place = wish.v0.abroad ? abroad : netns;
    const farName = `w${netns}`;
    const peer = { netns: place, name: farName, mac: mac(3) };
    found.push({ ...base, name: "v0", type: "veth", mac: mac(2), mtu, peer, ...plugged(near) });
    const there = place === netns ? plugged(far) : {};
    const bornWith = { netns, name: "v0" };
    found.push({ kind: "link", netns: place, name: farName, type: "veth", mac: mac(3), mtu, bornWith, ...there });
  }
  const vlan = wish.vlan0;
  const lower = vlan?.lower === "host d0" ? { netns: HOST, name: "d0" } : { netns, name: vlan?.lower ?? "" };
  const there = (name: string): boolean => found.some((link) => link.name === name);
  if (vlan !== undefined && (lower.netns === netns ? there(lower.name) : hostDummy))
    found.push({ ...base, name: "vlan0", type: "vlan", options: { id: vlan.id }, lower, ...plugged(vlan.plug) });
  if (wish.mv0 !== undefined && there(wish.mv0.lower))
    found.push({
      ...base,
      name: "mv0",
      type: "macvlan",
      options: { mode: wish.mv0.mode },
      lower: { netns, name: wish.mv0.lower },
    });
  return found;
}

function tables(netns: string, wish: PlaceWish, made: readonly LinkSpec[]): readonly KernelObject[] {
  const own = made.filter((link) => link.netns === netns);
  const [first, second] = own;
  const found: KernelObject[] = wish.rules.map(({ priority, mark, action }) => ({
    kind: "rule",
    netns,
    family: 4,
    priority,
    ...(mark === undefined ? {} : { fwmark: { value: mark, mask: 0xff } }),
    ...(action === "lookup" ? { table: 100 } : { action: "blackhole" as const }),
  }));
  if (first === undefined) return found;
  const dev = first.name;
  if (wish.address !== undefined) {
    const { n, until, early } = wish.address;
    const life = until === undefined ? {} : { validUntil: until, ...(early ? { preferredUntil: until - 500 } : {}) };
    found.push({ kind: "address", netns, dev, address: `10.0.0.${n}/24`, ...life });
  }
  if (wish.route !== undefined) {
    const { way, table, mtu, onlink, weight } = wish.route;
    const key = { kind: "route", netns, to: "10.9.0.0/16", ...(table === undefined ? {} : { table }) } as const;
    const more = { ...(mtu === undefined ? {} : { mtu }), ...(onlink ? { onlink: true as const } : {}) };
    if (way === "dev") found.push({ ...key, dev, ...more });
    else if (way === "via") found.push({ ...key, dev, via: "10.0.0.9", ...more });
    else if (way === "hops")
      found.push({
        ...key,
        hops: [
          { dev, via: "10.0.0.9", weight },
          { dev: second?.name ?? dev, via: "10.0.0.8" },
        ],
      });
    else found.push({ ...key, type: way });
  }
  if (wish.neighbor !== undefined)
    found.push({
      kind: "neighbor",
      netns,
      dev,
      to: "10.0.0.5",
      ...(wish.neighbor.proxy ? { proxy: true as const } : { mac: mac(wish.neighbor.n) }),
    });
  const ported = own.find((link) => link.master === "b0" || link.master === "b1");
  for (const { vxlan, n, vlan } of wish.fdb) {
    if (vxlan && wish.x0 !== undefined)
      found.push({ kind: "fdb", netns, dev: "x0", mac: "00:00:00:00:00:00", remote: `192.0.2.${n}` });
    else if (!vxlan && ported !== undefined)
      found.push({ kind: "fdb", netns, dev: ported.name, mac: mac(n + 0x20), ...(vlan === undefined ? {} : { vlan }) });
  }
  return [...new Map(found.map((object) => [JSON.stringify(object), object])).values()];
}
