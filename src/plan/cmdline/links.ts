import { note, type Draft } from "./draft.ts";
import { readList, readMac, readMtu, readName, readVlan, splitFields } from "./fields.ts";
import { inWord, isRefusal, quote, refuse, type Refusal } from "./refusal.ts";
import { readBondOptions } from "./bonds.ts";

/** Names of links that Netloom makes itself. */
const OURS = new Set(["zos", "br-pub", "public"]);

/** `vlan=NAME:PARENT`; the name says the number: vlan5, vlan0005, eth0.5, eth0.0005. */
export function addVlan(draft: Draft, value: string, word: string): Refusal | undefined {
  const fields = splitFields(value);
  if (isRefusal(fields)) return fields;
  const [nameField = "", parentField = "", ...more] = fields;
  if (parentField === "" || more.length > 0) return refuse("is not NAME:INTERFACE", withParent(nameField));
  const name = readName(nameField);
  if (isRefusal(name)) return name;
  const parent = readName(parentField);
  if (isRefusal(parent)) return parent;
  const [, digits] = /^(?:vlan|.+\.)(\d+)$/u.exec(name) ?? [];
  if (digits === undefined)
    return refuse(`${quote(name)} says no VLAN: call it vlan5 or ${parent}.5`, `${parent}.5:${parent}`);
  const id = readVlan(digits.replace(/^0+(?=\d)/u, ""));
  if (isRefusal(id)) return inWord(id, (valid) => `${name.slice(0, name.length - digits.length)}${valid}:${parent}`);
  const clash = claimName(draft, name) ?? refuseLoop(draft, name, [parent]);
  if (clash !== undefined) return clash;
  draft.made.set(name, word);
  draft.vlans = [...draft.vlans, { name, parent, id }];
  note(draft, "vlans", word);
  return undefined;
}

function withParent(name: string): string | undefined {
  const [, parent] = /^(.+)\.\d+$/u.exec(name) ?? [];
  return parent === undefined ? undefined : `${name}:${parent}`;
}

/** `bond=NAME[:MEMBERS[:OPTIONS[:MTU]]]`; left out is bond0, eth0 and eth1, balance-rr. */
export function addBond(draft: Draft, value: string, word: string): Refusal | undefined {
  const fields = splitFields(value);
  if (isRefusal(fields)) return fields;
  const [nameField = "", memberField = "", optionField = "", mtuField = "", ...more] = fields;
  if (more.length > 0) return refuse("has more fields than NAME:MEMBERS:OPTIONS:MTU");
  const name = readName(nameField === "" ? "bond0" : nameField);
  if (isRefusal(name)) return name;
  const members = readMembers(memberField === "" ? "eth0,eth1" : memberField);
  if (isRefusal(members)) return inWord(members, (valid) => withoutEnd([name, valid, optionField, mtuField]));
  const read = readBondOptions(optionField, members);
  if (isRefusal(read)) return inWord(read, (valid) => withoutEnd([name, members.join(","), valid, mtuField]));
  const mtu = mtuField === "" ? undefined : readMtu(mtuField);
  if (isRefusal(mtu)) return inWord(mtu, (valid) => [name, members.join(","), optionField, valid].join(":"));
  const clash = claimName(draft, name) ?? claimParts(draft, name, members, word);
  if (clash !== undefined) return clash;
  draft.made.set(name, word);
  draft.bonds = [...draft.bonds, { name, members, ...read, ...(mtu === undefined ? {} : { mtu }) }];
  note(draft, "bonds", word);
  return undefined;
}

function withoutEnd(fields: readonly string[]): string {
  return fields.join(":").replace(/:+$/u, "");
}

/** `bridge=NAME:MEMBERS`; left out is br0 with eth0. */
export function addBridge(draft: Draft, value: string, word: string): Refusal | undefined {
  const fields = splitFields(value);
  if (isRefusal(fields)) return fields;
  const [nameField = "", memberField = "", ...more] = fields;
  if (more.length > 0) return refuse("has more fields than NAME:MEMBERS");
  const name = readName(nameField === "" ? "br0" : nameField);
  if (isRefusal(name)) return name;
  const members = readMembers(memberField === "" ? "eth0" : memberField);
  if (isRefusal(members)) return inWord(members, (valid) => `${name}:${valid}`);
  const clash = claimName(draft, name) ?? claimParts(draft, name, members, word);
  if (clash !== undefined) return clash;
  draft.made.set(name, word);
  draft.bridges = [...draft.bridges, { name, members }];
  note(draft, "bridges", word);
  return undefined;
}

/** `ifname=NAME:MAC` */
export function addRename(draft: Draft, value: string, word: string): Refusal | undefined {
  const at = value.indexOf(":");
  if (at === -1) return refuse("is not NAME:MAC");
  const name = readName(value.slice(0, at));
  if (isRefusal(name)) return name;
  const mac = readMac(value.slice(at + 1));
  if (isRefusal(mac)) return mac;
  const same = draft.renames.find((rename) => rename.mac === mac);
  if (same !== undefined && same.name !== name) return refuse(`${mac} is called ${same.name} already`);
  if (same !== undefined) return undefined;
  const clash = claimName(draft, name);
  if (clash !== undefined) return clash;
  draft.made.set(name, word);
  draft.renames = [...draft.renames, { name, mac }];
  note(draft, "renames", word);
  return undefined;
}

function readMembers(text: string): readonly string[] | Refusal {
  const members = readList(text, readName);
  if (isRefusal(members)) return members;
  const unique = [...new Set(members)];
  return unique.length === members.length ? members : refuse("names a member twice", unique.join(","));
}

function claimName(draft: Draft, name: string): Refusal | undefined {
  if (OURS.has(name)) return refuse(`${name} is the name of a link that Netloom makes itself`);
  const other = draft.made.get(name);
  return other === undefined ? undefined : refuse(`${name} is made by ${quote(other)} already`);
}

function claimParts(draft: Draft, name: string, members: readonly string[], word: string): Refusal | undefined {
  for (const member of members) {
    const other = draft.parts.get(member);
    if (other !== undefined) return refuse(`${member} is a member in ${quote(other)} already`);
  }
  const loop = refuseLoop(draft, name, members);
  if (loop !== undefined) return loop;
  for (const member of members) draft.parts.set(member, word);
  return undefined;
}

/** A link cannot stand on itself, over however many others. */
function refuseLoop(draft: Draft, name: string, below: readonly string[]): Refusal | undefined {
  const lower = new Map<string, readonly string[]>([
    ...draft.vlans.map((vlan) => [vlan.name, [vlan.parent]] as const),
    ...draft.bonds.map((bond) => [bond.name, bond.members] as const),
    ...draft.bridges.map((bridge) => [bridge.name, bridge.members] as const),
  ]);
  const seen = new Set(below);
  // A set is walked in the order of insertion, what is added on the way too.
  for (const link of seen) for (const next of lower.get(link) ?? []) seen.add(next);
  return seen.has(name) ? refuse(`${name} would stand on itself`) : undefined;
}
