import { shortHash } from "../lib/hash.ts";
import type { Actual, ActualLink } from "../model/actual.ts";
import { LIFETIME_SLACK, TABLE_MAIN, type LinkSpec, type Target } from "../model/kernel.ts";
import { DEFAULT_PVID, PORT_DEFAULTS, type PortVlan } from "../model/link-options.ts";
import { ovsPorts, type OvsPort } from "../model/ovs.ts";
import { KEYS, objectId, objectKey } from "../plan/object-key.ts";

/**
 * Where what was observed is not what the target says, one line each: objects that are missing, left over, or other than wished.
 * It compares by itself, without the differ, whose mistakes it is there to find.
 */
export function mismatches(actual: Actual, target: Target): readonly string[] {
  return [...keysOff(actual, target), ...linksOff(actual, target), ...tablesOff(actual, target)];
}

function keysOff(actual: Actual, target: Target): readonly string[] {
  const wanted = new Set(target.map(objectId));
  const ours = <T extends { readonly owned: boolean }>(
    kind: string,
    objects: readonly T[],
    key: (o: T) => string,
  ): string[] => objects.filter(({ owned }) => owned).map((object) => `${kind} ${key(object)}`);
  const withoutVlan = new Set(actual.fdb.filter(({ vlan }) => vlan === null).map(KEYS.fdb));
  // The kernel makes an entry for each VLAN of the port of one that names none.
  const own = actual.fdb.filter((entry) => entry.vlan === null || !withoutVlan.has(KEYS.fdb({ ...entry, vlan: null })));
  const seen = new Set([
    ...ours("netns", actual.netns, KEYS.netns),
    ...ours(
      "link",
      actual.link.filter(({ type }) => type !== "loopback"),
      KEYS.link,
    ),
    ...ours("address", actual.address, KEYS.address),
    ...ours("neighbor", actual.neighbor, KEYS.neighbor),
    ...ours("fdb", own, KEYS.fdb),
    ...ours("route", actual.route, KEYS.route),
    ...ours("rule", actual.rule, KEYS.rule),
    ...ours("ovs", actual.ovs, KEYS.ovs),
    ...actual.wireguard.map((device) => `wireguard ${KEYS.wireguard(device)}`),
    ...actual.nft.map((table) => `nft ${KEYS.nft(table)}`),
    ...ours("file", actual.file, KEYS.file),
  ]);
  // NICs and processes are there without being ours.
  const others = new Set([
    ...actual.link.map((link) => `link ${KEYS.link(link)}`),
    ...actual.process.map((service) => `process ${KEYS.process(service)}`),
  ]);
  const nics = new Set(
    target.flatMap((object) => (object.kind === "link" && object.type === "physical" ? [objectId(object)] : [])),
  );
  const isThere = (key: string): boolean =>
    seen.has(key) || ((nics.has(key) || key.startsWith("process ")) && others.has(key));
  const compared = [...wanted].filter((key) => !key.startsWith("sysctl "));
  return [
    ...compared.filter((key) => !isThere(key)).map((key) => `${key} is missing`),
    ...[...seen, ...actual.process.map(({ name }) => `process ${name}`)]
      .filter((key) => !wanted.has(key))
      .map((key) => `${key} is left over`),
  ];
}

function linksOff(actual: Actual, target: Target): readonly string[] {
  const seenLinks = new Map(actual.link.map((link) => [KEYS.link(link), link]));
  const wantedLinks = new Map(
    target.flatMap((object) => (object.kind === "link" ? [[KEYS.link(object), object] as const] : [])),
  );
  return [...wantedLinks].flatMap(([key, spec]) => {
    const seen = seenLinks.get(key);
    const master =
      spec.master === undefined ? undefined : wantedLinks.get(KEYS.link({ netns: spec.netns, name: spec.master }));
    return seen === undefined ? [] : linkOff(spec, seen, master).map((what) => `link ${key}: ${what}`);
  });
}

function linkOff(spec: LinkSpec, seen: ActualLink, master: LinkSpec | undefined): readonly string[] {
  const lower = seen.lower === "unknown" ? spec.lower : (seen.lower ?? undefined);
  const port = master?.type === "bridge" ? { ...PORT_DEFAULTS, ...spec.port } : null;
  const pairs: readonly (readonly [what: string, wanted: unknown, seen: unknown])[] = [
    ["type", spec.type === "physical" ? seen.type : spec.type, seen.type],
    ["up", true, seen.up],
    ["master", spec.master ?? null, seen.master],
    ["lower", spec.lower, lower],
    ["bornIn", spec.type === "wireguard" ? (spec.bornIn ?? "") : null, seen.bornIn],
    // A bond gives its ports its own.
    ["mac", master?.type === "bond" ? seen.mac : (spec.mac ?? seen.mac), seen.mac],
    ["mtu", spec.mtu ?? seen.mtu, seen.mtu],
    ["port", port, seen.port],
    ...Object.entries({ ...spec.options }).map(([name, value]) => [name, value, seen.options?.[name]] as const),
    ["vlans", vlansOf(wantedVlans(spec, master)), seen.vlans === null ? vlansOf(undefined) : vlansOf(seen.vlans)],
  ];
  const known = pairs.filter(([what, wanted]) => what !== "vlans" || wanted !== vlansOf(undefined));
  return known
    .map(([what, wanted, now]) => [what, text(wanted), text(now)] as const)
    .filter(([, wanted, now]) => wanted !== now)
    .map(([what, wanted, now]) => `${what} is ${now}, not ${wanted}`);
}

/** Undefined where they do not matter: nobody named them, and nothing filters by them. */
function wantedVlans(spec: LinkSpec, master: LinkSpec | undefined): readonly PortVlan[] | undefined {
  const bridge = spec.type === "bridge" ? spec : master;
  if (bridge?.type !== "bridge") return undefined;
  const { vlanFiltering, defaultPvid = DEFAULT_PVID } = bridge.options ?? {};
  const given = defaultPvid === 0 ? [] : [{ id: defaultPvid, pvid: true as const, untagged: true as const }];
  return spec.vlans ?? (vlanFiltering === true ? given : undefined);
}

function vlansOf(vlans: readonly PortVlan[] | undefined): string {
  const lines = (vlans ?? []).map(({ id, pvid, untagged }) => `${id} ${pvid === true} ${untagged === true}`);
  return vlans === undefined ? "any" : lines.toSorted().join(", ");
}

function tablesOff(actual: Actual, target: Target): readonly string[] {
  const [addresses, routes, neighbors, parameters] = [
    new Map(actual.address.map((object) => [KEYS.address(object), object])),
    new Map(actual.route.map((object) => [KEYS.route(object), object])),
    new Map(actual.neighbor.map((object) => [KEYS.neighbor(object), object])),
    new Map(actual.sysctl.map((object) => [KEYS.sysctl(object), object.value])),
  ];
  return target.flatMap((object) => {
    const [wanted, seen] = ((): readonly [unknown, unknown] => {
      switch (object.kind) {
        case "address": {
          const found = addresses.get(KEYS.address(object));
          const { validUntil = null, preferredUntil = validUntil } = object;
          return [
            [near(validUntil, found?.validUntil), near(preferredUntil, found?.preferredUntil)],
            [true, true],
          ];
        }
        case "route": {
          const { type = "unicast", dev = null, via = null, table = TABLE_MAIN, mtu = null, hops = [] } = object;
          const found = routes.get(KEYS.route(object));
          const ways = (list: typeof hops): string =>
            list
              .map((hop) => `${hop.dev} ${hop.via} ${hop.weight ?? 1}`)
              .toSorted()
              .join();
          const now = found && [found.type, found.dev, found.via, found.table, found.mtu, found.onlink];
          return [
            [type, dev, via, table, mtu, object.onlink ?? false, ways(hops)],
            [...(now ?? []), ways(found?.hops ?? [])],
          ];
        }
        case "neighbor":
          return [object.mac ?? null, neighbors.get(KEYS.neighbor(object))?.mac];
        case "sysctl":
          // A limit may be higher, or not for us to set.
          return object.atLeast === true ? [null, null] : [object.value, parameters.get(KEYS.sysctl(object))];
        case "file": {
          const found = actual.file.find(({ path }) => path === object.path);
          return [
            [shortHash(object.content), object.mode ?? 0o644],
            [found?.hash, found?.mode],
          ];
        }
        case "ovs": {
          const found = actual.ovs.find(({ name }) => name === object.name);
          const port = ({ name, type, tag, trunks, vlanMode }: OvsPort): string =>
            `${name} ${type} ${tag} ${trunks.toSorted((a, b) => a - b).join()} ${vlanMode}`;
          const ours = found?.ports.filter(({ owned, error }) => owned && error === null) ?? [];
          return [
            [object.datapathType ?? "system", ovsPorts(object).map(port).toSorted()],
            [found?.datapathType, ours.map(port).toSorted()],
          ];
        }
        default:
          return [null, null];
      }
    })();
    return text(wanted) === text(seen)
      ? []
      : [`${object.kind} ${objectKey(object)} is ${text(seen)}, not ${text(wanted)}`];
  });
}

function near(wanted: number | null, seen: number | null | undefined): boolean {
  if (wanted === null || seen === null || seen === undefined) return wanted === seen;
  return Math.abs(wanted - seen) <= LIFETIME_SLACK;
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
