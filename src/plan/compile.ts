import type { Document, LanDocument, NetworkResourceDocument, NodeDocument } from "../model/document.ts";
import { documentId } from "../model/document.ts";
import type { Facts, NicDecision, PublicSideState, Uplink } from "../model/facts.ts";
import type { KernelObject, Target } from "../model/kernel.ts";
import { memberId, type Member } from "../model/member.ts";
import { PUBLIC } from "../model/public-names.ts";
import type { Issue } from "../model/report.ts";
import type { NodeSettings } from "../model/settings.ts";
import { compileNode } from "./bootstrap.ts";
import { clockGate, withoutWireguard, type ClockGate } from "./clock.ts";
import { compileOnce, objectIds } from "./compile-once.ts";
import { findConflicts } from "./conflicts.ts";
import { lanPorts } from "./lan/bridge.ts";
import { compileFlagLinks } from "./flag-links.ts";
import { LAN_COMPILERS } from "./lan/index.ts";
import { hostOf } from "./member-address.ts";
import { compileMember } from "./member.ts";
import { secondNic } from "./public-checks.ts";
import { compilePublic, withPublicSide } from "./public.ts";
import { splitRenamed } from "./renames.ts";
import { compileResource, type Underlay } from "./resource.ts";
import { fittingMtu, mtuShortfall } from "./nic-network.ts";
import { nodeFirewalls } from "./node-firewall.ts";
import { publicResolver } from "./resolver.ts";
import { settings as settingsOf } from "./settings.ts";
import { unmatchedPatterns } from "./unmatched.ts";
import { bridgeNameIssues } from "./uplink-checks.ts";
import { chooseUplink, linkAbove, type UplinkChoice } from "./uplink.ts";

export interface Compiled {
  readonly target: Target;
  /** The parts of the target by the document that wants them ("Lan lab"): what `diffUnits` compares. */
  readonly units: ReadonlyMap<string, Target>;
  /** Refusals. New documents that cause one are not kept; the target leaves out what was refused. */
  readonly issues: readonly Issue[];
  readonly decision: readonly NicDecision[];
  /** NIC patterns of the settings that mean no NIC, a sentence each. */
  readonly unmatched: readonly string[];
  readonly choice: UplinkChoice;
  /** False when the node's document says that it has none. */
  readonly wantsUplink: boolean;
  readonly uplink: Uplink | null;
  /** Null when the node has none by its document. */
  readonly publicSide: PublicSideState | null;
  readonly settings: NodeSettings;
  /** Whether WireGuard may start yet. */
  readonly clock: ClockGate;
  /** The document that speaks for the node; null when the command line and the defaults do alone. */
  readonly document: NodeDocument | null;
  /** "Node node": whose uplink it is. */
  readonly node: string;
}

/**
 * Compiles all documents, and the members of their LANs, to one target for the kernel. Pure: equal documents, facts and
 * members give an equal target.
 */
export function compile(documents: readonly Document[], seen: Facts, members: readonly Member[] = []): Compiled {
  const renames = splitRenamed(seen.flags, seen.nics);
  const facts: Facts = { ...seen, nics: renames.nics };
  const lans = documents.filter((document): document is LanDocument => document.kind === "Lan");
  const resources = documents.filter(
    (document): document is NetworkResourceDocument => document.kind === "NetworkResource",
  );
  const node = documents.find((document) => document.kind === "Node") ?? null;
  const nodeId = documentId(node ?? { kind: "Node", name: "node" });
  const settings = settingsOf(node, facts.flags);

  const taken = new Map(lans.flatMap((lan) => lanPorts(lan, facts).map((nic) => [nic.name, documentId(lan)] as const)));
  const links = compileFlagLinks(facts.flags, facts.nics);
  for (const [part, owner] of links.parts) taken.set(part, taken.get(part) ?? owner);
  const { nic: second, issues: publicNicIssues } = secondNic(node, facts, taken);
  if (second !== null) taken.set(second.name, `${PUBLIC.bridge}, the public side of ${nodeId}`);
  const choice = chooseUplink(settings, facts, taken);
  const clock = clockGate(settings, facts, choice.chosen, node?.public !== undefined);
  const upstream = choice.chosen?.dns ?? [];
  const uplink = choice.chosen;
  const side =
    node?.public === undefined || publicNicIssues.length > 0
      ? null
      : compilePublic({ side: node.public, settings, facts, uplink, second });
  const underlay: Underlay = {
    ...(side === null ? {} : { bornIn: PUBLIC.netns }),
    mtu:
      side?.state.mode === "dual" || settings.mtu.value === null ? null : fittingMtu(settings.mtu.value, uplink?.nic),
  };

  // What `LanFacts` has, and the name servers.
  const lanInputs = [
    // All that a NIC pattern looks at.
    JSON.stringify(
      facts.nics.map(({ name, mac, permanentMac, driver, pci, speed }) => [
        name,
        mac,
        permanentMac,
        driver,
        pci,
        speed,
      ]),
    ),
    facts.runtimeDir,
    facts.stateDir,
    upstream.join(),
  ];
  const own = [...renames.objects, ...links.objects, ...compileNode(settings, facts, choice)];
  const { joined, issues: homeless } = atHome(members, lans);
  const parts: readonly (readonly [owner: string, objects: readonly KernelObject[]])[] = [
    [
      nodeId,
      [
        ...withPublicSide(own, { side, settings, facts, uplink }),
        ...(side === null ? [] : [publicResolver(node?.public?.dns)]),
        ...nodeFirewalls({
          firewall: node?.firewall,
          // Before the choice, so that the uplink is never there without it.
          uplinks:
            uplink === null ? [...new Set(choice.candidates.map((nic) => linkAbove(nic, settings)))] : [uplink.link],
          publicSide: side === null ? null : PUBLIC,
          timeFor: settings.ntpServe.value,
          wireguard: resources.flatMap(({ wireguard }) => wireguard?.listenPort ?? []),
        }),
      ],
    ],
    ...lans.map((lan) => {
      const objects = compileOnce(lan, lanInputs, () => LAN_COMPILERS[lan.type](lan, facts, upstream));
      return [documentId(lan), objects] as const;
    }),
    ...resources.map((resource) => {
      const key = facts.wireguardKeys[resource.name];
      const inputs = [key, underlay.bornIn, underlay.mtu];
      return [
        documentId(resource),
        compileOnce(resource, inputs, () => compileResource(resource, facts, underlay)),
      ] as const;
    }),
    ...joined.map(
      ({ lan, member }) => [memberId(member), compileOnce(member, [lan], () => compileMember(lan, member))] as const,
    ),
  ];
  const { units, issues } = claim(clock.waits === null ? parts : parts.map(([id, all]) => [id, withoutWireguard(all)]));
  return {
    target: [...units.values()].flat(),
    units,
    issues: [...findConflicts(documents), ...bridgeNameIssues(node, facts), ...publicNicIssues, ...homeless, ...issues],
    decision: choice.decision.map((entry) => {
      const candidate = choice.candidates.find(({ name }) => name === entry.nic);
      const short = candidate === undefined ? undefined : mtuShortfall(settings, candidate);
      const more = [short, renames.refused.get(entry.nic)].filter((why) => why !== undefined);
      return more.length === 0 ? entry : { ...entry, reasons: [...entry.reasons, ...more] };
    }),
    unmatched: unmatchedPatterns(
      settings,
      facts,
      renames.objects.map(({ name, formerName }) => ({
        name,
        former: seen.nics.find((nic) => nic.name === formerName),
      })),
    ),
    choice,
    wantsUplink: settings.wantsUplink.value,
    settings,
    clock,
    uplink,
    publicSide: side?.state ?? null,
    document: node,
    node: nodeId,
  };
}

/** The members whose LAN is there and has their addresses; one without can be nothing but named. */
function atHome(
  members: readonly Member[],
  lans: readonly LanDocument[],
): {
  readonly joined: readonly { readonly lan: LanDocument; readonly member: Member }[];
  readonly issues: readonly Issue[];
} {
  const byName = new Map(lans.map((lan) => [lan.name, lan]));
  const joined: { readonly lan: LanDocument; readonly member: Member }[] = [];
  const issues: Issue[] = [];
  for (const member of members) {
    const lan = byName.get(member.lan);
    const id = memberId(member);
    if (lan === undefined)
      issues.push({
        documents: [id],
        message: `${id}: there is no Lan ${member.lan}; apply its document again, or let the member leave`,
      });
    else if (hostOf(lan, member) === undefined)
      issues.push({
        documents: [documentId(lan), id],
        key: "cidr",
        message: `${id} has ${member.addresses.join(", ")}, which is not in ${documentId(lan)} (${lan.cidr}): let it leave first`,
      });
    else joined.push({ lan, member });
  }
  return { joined, issues };
}

/**
 * Two documents that want the same kernel object, whatever it is: the first has it, and the refusal names both.
 * It may come true after both were accepted, when a NIC appears that both name.
 */
function claim(parts: readonly (readonly [string, readonly KernelObject[]])[]): Pick<Compiled, "units" | "issues"> {
  const owners = new Map<string, string>();
  const units = new Map<string, Target>();
  const issues: Issue[] = [];
  for (const [owner, objects] of parts) {
    const refused = new Set<number>();
    for (const [at, key] of objectIds(objects).entries()) {
      const other = owners.get(key) ?? owner;
      owners.set(key, other);
      if (other === owner) continue;
      refused.add(at);
      issues.push({
        documents: [other, owner],
        message: `${owner} and ${other} both claim ${key}: give one of them another name`,
      });
    }
    units.set(owner, refused.size === 0 ? objects : objects.filter((_object, at) => !refused.has(at)));
  }
  return { units, issues };
}
