import { NOTHING_SEEN, untouchedLink, type Actual } from "../model/actual.ts";
import type { BootFlags, RejectedWord } from "../model/boot-flags.ts";
import type { NodeDocument } from "../model/document.ts";
import type { FactsFile } from "../model/facts-file.ts";
import type { Facts, NicDecision, NicFact, ProbeFact } from "../model/facts.ts";
import type { Step } from "../model/step.ts";
import { parseCommandLine } from "./cmdline/parse-command-line.ts";
import { compile, type Compiled } from "./compile.ts";
import { diff } from "./diff/index.ts";
import { explain } from "./explain.ts";
import { madeLinks } from "./flag-links.ts";
import { splitRenamed } from "./renames.ts";

/** The command line in the shape that `boot-plan --json` prints; other people's scripts rely on it. */
export interface ParsedFlags extends Omit<BootFlags, "interfaces" | "zos" | "configs" | "words" | "probeTimeout"> {
  /** True when no word says how to get an address: zero configuration decides. */
  readonly auto: boolean;
  /** By name or MAC, or "*" for every candidate. */
  readonly interfaces: Readonly<Record<string, Omit<BootFlags["interfaces"][string], "words">>>;
  /** Null is "no tag". */
  readonly zos: {
    readonly vlanPriv?: number | null;
    readonly vlanPub?: number | null;
    readonly pubMac?: "random" | "swap";
  };
  /** Where documents come from; what they hold is nothing for a terminal. */
  readonly configs: readonly string[];
  /** Seconds. */
  readonly probeTimeout?: number;
}

/** What `netloom boot-plan` prints. */
export interface BootPlan {
  readonly parsed: ParsedFlags;
  readonly rejected: readonly RejectedWord[];
  readonly decision: readonly NicDecision[];
  /** From a node with these NICs that nobody touched, one `ip`-like line each. */
  readonly steps: readonly string[];
}

/**
 * What a node with these NICs makes of a command line: the same parser, choice and compilers as the daemon's. NICs none of which was
 * probed are taken to have networks with all that is asked for. Pure.
 */
export function bootPlan(cmdline: string, file: FactsFile): BootPlan & Pick<Compiled, "unmatched"> {
  const { flags, rejected } = parseCommandLine(cmdline);
  const documents = file.node === undefined ? [] : [file.node];
  const probed = file.nics.some((nic) => nic.probe !== undefined);
  const renamed = renameAll(flags, file.nics);
  const nics = probed ? renamed.nics : [...renamed.nics, ...linksToCome(flags, renamed.nics)];
  const facts = factsOf(flags, { ...file, nics });
  const decided = compile(documents, probed ? facts : { ...facts, nics: facts.nics.map(assumed) });
  const then = probed ? afterChoice(documents, facts, decided) : settled(documents, facts, decided);
  return {
    parsed: parsedOf(flags),
    rejected,
    unmatched: decided.unmatched,
    decision: probed ? decided.decision : decided.decision.map(withoutGuesses),
    steps: [...renamed.steps, ...diff(untouched(renamed.nics), then.target).steps].map(explain),
  };
}

/** What is to be made when nothing but the choice is known: a lease that was taken for granted is no address yet. */
function settled(documents: readonly NodeDocument[], facts: Facts, decided: Compiled): Compiled {
  return decided.uplink === null ? decided : compile(documents, { ...facts, uplink: decided.uplink.nic.name });
}

/** The same after the last probe ended: what the others had in theirs is given back. While one goes on, it is there. */
function afterChoice(documents: readonly NodeDocument[], facts: Facts, decided: Compiled): Compiled {
  const { chosen, probed, leaving } = decided.choice;
  if (chosen === null || probed.length > 0) return decided;
  const over = new Set(leaving.map(({ name }) => name));
  const nics = facts.nics.map(({ probe, ...nic }) =>
    over.has(nic.name) || probe === undefined ? nic : { ...nic, probe },
  );
  return settled(documents, { ...facts, nics }, decided);
}

/** The NICs by the names that they get first, and how they get them. */
function renameAll(
  flags: BootFlags,
  nics: readonly NicFact[],
): { readonly nics: readonly NicFact[]; readonly steps: readonly Step[] } {
  const { objects } = splitRenamed(flags, nics);
  if (objects.length === 0) return { nics, steps: [] };
  const names = new Map(objects.map(({ formerName = "", name }) => [formerName, name]));
  const after = renameAll(
    flags,
    nics.map((nic) => ({ ...nic, name: names.get(nic.name) ?? nic.name })),
  );
  return { nics: after.nics, steps: [...diff(untouched(nics), objects).steps, ...after.steps] };
}

/** The links that the command line asks for, as they will be when they are made. */
function linksToCome(flags: BootFlags, nics: readonly NicFact[]): readonly NicFact[] {
  const found = new Map(nics.map((nic) => [nic.name, nic]));
  const below = new Map<string, readonly string[]>([
    ...flags.vlans.map(({ name, parent }) => [name, [parent]] as const),
    ...[...flags.bonds, ...flags.bridges].map(({ name, members }) => [name, members] as const),
  ]);
  const kinds = madeLinks(flags);
  const make = (name: string): NicFact | undefined => {
    const known = found.get(name);
    const made = kinds.get(name);
    if (known !== undefined || made === undefined) return known;
    const parts = (below.get(name) ?? []).flatMap((part) => make(part) ?? []);
    const [first] = parts;
    if (first === undefined) return undefined;
    const link = { name, mac: first.mac, physical: false, carrier: parts.some(({ carrier }) => carrier), made };
    found.set(name, link);
    return link;
  };
  return [...kinds.keys()].filter((name) => !nics.some((nic) => nic.name === name)).flatMap((name) => make(name) ?? []);
}

function parsedOf({ interfaces, zos, configs, words: _words, ...flags }: BootFlags): ParsedFlags {
  const { vlanPriv, vlanPub, pubMac } = zos;
  const tag = (id: number | "none"): number | null => (id === "none" ? null : id);
  return {
    auto: Object.keys(interfaces).length === 0,
    interfaces: Object.fromEntries(
      Object.entries(interfaces).map(([device, { words: _those, ...said }]) => [device, said]),
    ),
    ...flags,
    zos: {
      ...(vlanPriv === undefined ? {} : { vlanPriv: tag(vlanPriv) }),
      ...(vlanPub === undefined ? {} : { vlanPub: tag(vlanPub) }),
      ...(pubMac === undefined ? {} : { pubMac }),
    },
    configs: configs.map(({ word }) => word),
  };
}

/** Long after every deadline. */
const LATER = 1e9;

function factsOf(flags: BootFlags, { nics, now = LATER, uplink, uplinkLost, lastUplink }: FactsFile): Facts {
  return {
    now,
    nics,
    flags,
    uplink: uplink ?? null,
    ...(uplinkLost === undefined ? {} : { uplinkLost }),
    ...(lastUplink === undefined ? {} : { lastUplink }),
    wireguardKeys: {},
    runtimeDir: "/run/netloom",
    stateDir: "/var/cache/modules/network",
    clock: { synchronised: true },
    appliance: true,
  };
}

/** A NIC whose network answers whatever it is asked. */
function assumed(nic: NicFact): NicFact {
  const answer = { name: "gateway", passed: true, detail: "" };
  const lease = { nic: nic.name, dns: [], ntp: [], obtainedAt: 0 };
  const probe: ProbeFact = {
    since: 0,
    lease4: { ...lease, address: "0.0.0.0/0", router: "0.0.0.0", expiresAt: LATER },
    lease6: {
      ...lease,
      addresses: [{ address: "::/128", preferredUntil: LATER, validUntil: LATER }],
      prefixes: [],
      search: [],
    },
    ra: { managed: false, other: false, router: "fe80::", addresses: ["::/64"], dns: [], search: [] },
    gateway4: answer,
    gateway6: answer,
    answeredAt: 0,
  };
  return nic.carrier ? { ...nic, probe } : nic;
}

/** Why a NIC was chosen when nothing is known of its network: what was made up for the choice is not said. */
function withoutGuesses({ had, reasons, ...entry }: NicDecision): NicDecision {
  const [first = "", ...others] = reasons;
  const why = others.at(-1);
  const known =
    others.length === 0 || had.carrier === null
      ? reasons
      : [first, "its network was not probed", ...(why === undefined ? [] : [why])];
  const carrier = had.carrier === null ? null : "yes";
  return {
    ...entry,
    reasons: known,
    had: { carrier, lease4: null, ra: null, lease6: null, gateway: null, check: null },
  };
}

function untouched(nics: readonly NicFact[]): Actual {
  const links = nics.filter(({ made }) => made === undefined);
  return {
    ...NOTHING_SEEN,
    link: links.map(({ name, mac, carrier }, at) =>
      untouchedLink({ name, index: at + 2, type: "physical", mac, carrier }),
    ),
  };
}
