import type { BootFlags } from "../model/boot-flags.ts";
import type { NicFact } from "../model/facts.ts";
import { HOST, type KernelObject, type LinkSpec } from "../model/kernel.ts";
import { BOND_MIIMON, bondOptions } from "./bond-options.ts";
import { fittingMtu } from "./nic-network.ts";
import { withoutIpv6 } from "./probe.ts";

/** The links that the command line asks for. */
export interface FlagLinks {
  readonly objects: readonly KernelObject[];
  /** What is a part of one, and so no candidate for the uplink by itself: "bond0 (bond=bond0:eth0,eth1)" by the part's name. */
  readonly parts: ReadonlyMap<string, string>;
}

/** What each made link is, by its name. */
export function madeLinks({ vlans, bonds, bridges }: BootFlags): ReadonlyMap<string, NonNullable<NicFact["made"]>> {
  return new Map([
    ...bonds.map(({ name }) => [name, "bond"] as const),
    ...vlans.map(({ name }) => [name, "vlan"] as const),
    ...bridges.map(({ name }) => [name, "bridge"] as const),
  ]);
}

/** Bonds, VLANs and bridges of the command line, each with its parts as ports or below it. Pure. */
export function compileFlagLinks(flags: BootFlags, nics: readonly NicFact[]): FlagLinks {
  const made = madeLinks(flags);
  const links = new Map<string, LinkSpec>();
  const objects: KernelObject[] = [];
  const parts = new Map<string, string>();
  const nicOf = (name: string): NicFact | undefined => nics.find((nic) => nic.name === name);
  // Whatever is not made is there, or awaited.
  const adopt = (name: string): void => {
    if (!made.has(name) && !links.has(name)) links.set(name, { kind: "link", netns: HOST, name, type: "physical" });
  };
  for (const { name, mode, members, options, mtu } of flags.bonds) {
    const { primary, ...given } = bondOptions(mode, options);
    // The kernel takes one that is there, and is told as soon as it is.
    const preferred = primary !== undefined && (made.has(primary) || nics.some((nic) => nic.name === primary));
    const watched = given.miimon !== undefined || (given.arpInterval ?? 0) > 0;
    links.set(name, {
      kind: "link",
      netns: HOST,
      name,
      type: "bond",
      options: { ...given, ...(watched ? {} : { miimon: BOND_MIIMON }), ...(preferred ? { primary } : {}) },
      ...macOf(flags, name),
      ...mtuOf(flags, name, members.map(nicOf), mtu),
    });
  }
  for (const { name, members } of flags.bridges)
    links.set(name, {
      kind: "link",
      netns: HOST,
      name,
      type: "bridge",
      options: { mcastSnooping: false },
      ...bridgeMac(members, nics),
      ...macOf(flags, name),
      ...mtuOf(flags, name, members.map(nicOf)),
    });
  const there = new Set([...nics.map(({ name }) => name), ...links.keys()]);
  for (const { name, parent, id } of aboveOthers(flags.vlans, there)) {
    adopt(parent);
    const lower = { netns: HOST, name: parent };
    const own = { ...macOf(flags, name), ...mtuOf(flags, name, [nicOf(parent)]) };
    links.set(name, { kind: "link", netns: HOST, name, type: "vlan", lower, options: { id }, ...own });
    parts.set(parent, ownerText(flags, "vlans", name));
  }
  for (const [field, masters] of [
    ["bonds", flags.bonds],
    ["bridges", flags.bridges],
  ] as const)
    for (const { name, members } of masters)
      for (const member of members) {
        adopt(member);
        const link = links.get(member);
        if (link !== undefined) links.set(member, { ...link, master: name });
        if (field === "bridges") objects.push(withoutIpv6(HOST, member));
        parts.set(member, ownerText(flags, field, name));
      }
  for (const name of namedOnes(flags, nics)) parts.delete(name);
  // What is advertised without a tag would give it addresses and a default route that nobody asked for, past the uplink's filter.
  const carriers = new Set(flags.vlans.map(({ parent }) => parent).filter((name) => parts.has(name)));
  for (const name of carriers) objects.push(withoutIpv6(HOST, name));
  return { objects: [...links.values(), ...objects], parts };
}

/** The VLANs whose link below is there, or made before them; the others are awaited with it. */
function aboveOthers(vlans: BootFlags["vlans"], there: ReadonlySet<string>): BootFlags["vlans"] {
  const found: BootFlags["vlans"][number][] = [];
  const known = new Set(there);
  for (let more = true; more;) {
    const next = vlans.filter((vlan) => known.has(vlan.parent) && !found.includes(vlan));
    found.push(...next);
    for (const { name } of next) known.add(name);
    more = next.length > 0;
  }
  return found;
}

/** A VLAN's NIC that has an `ip=` or `netloom.nic=` of its own has an address beside. */
function namedOnes({ interfaces, vlans, bonds, bridges }: BootFlags, nics: readonly NicFact[]): readonly string[] {
  const ports = new Set([...bonds, ...bridges].flatMap(({ members }) => members));
  const macs = new Map(nics.map((nic) => [nic.name, nic.permanentMac ?? nic.mac]));
  return vlans
    .map(({ parent }) => parent)
    .filter((name) => !ports.has(name) && (interfaces[name] ?? interfaces[macs.get(name) ?? ""]) !== undefined);
}

/** As the kernel would take the lowest of its ports, whichever come and go (br_stp_recalculate_bridge_id). */
function bridgeMac(members: readonly string[], nics: readonly NicFact[]): { readonly mac?: string } {
  const first = members.map((name) => nics.find((nic) => nic.name === name)).find((nic) => nic !== undefined);
  return first === undefined ? {} : { mac: first.permanentMac ?? first.mac };
}

function macOf({ interfaces }: BootFlags, name: string): { readonly mac?: string } {
  const mac = interfaces[name]?.mac;
  return mac === undefined ? {} : { mac };
}

/** What stands on NICs has an MTU that all of them take. */
function mtuOf(
  { interfaces }: BootFlags,
  name: string,
  nics: readonly (NicFact | undefined)[],
  otherwise?: number,
): { readonly mtu?: number } {
  const mtu = interfaces[name]?.mtu ?? otherwise;
  return mtu === undefined ? {} : { mtu: Math.min(...[undefined, ...nics].map((nic) => fittingMtu(mtu, nic))) };
}

function ownerText({ words }: BootFlags, field: string, name: string): string {
  const word = words[field]?.find((text) => /[=:]/u.test(text) && text.split(/[=:]/u)[1] === name);
  return word === undefined ? name : `${name} (${word})`;
}
