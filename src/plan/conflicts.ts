import { cidr, contains, findOverlaps, isHostAddress, isLinkLocal, lastOf, type Cidr } from "../lib/ip.ts";
import { documentId, type Document, type LanDocument, type NetworkResourceDocument } from "../model/document.ts";
import type { Issue } from "../model/report.ts";
import { publicIssues } from "./public-checks.ts";
import { uplinkIssues } from "./uplink-checks.ts";

/** Each pass asks twice of the same list: when it admits documents, and when it compiles them. */
const judged = new WeakMap<readonly Document[], readonly Issue[]>();

/** Everything that documents contradict each other in, or themselves. Each refusal names both sides. */
export function findConflicts(documents: readonly Document[]): readonly Issue[] {
  const issues = judged.get(documents) ?? contradictions(documents);
  judged.set(documents, issues);
  return issues;
}

function contradictions(documents: readonly Document[]): readonly Issue[] {
  const lans = documents.filter((document): document is LanDocument => document.kind === "Lan");
  const resources = documents.filter(
    (document): document is NetworkResourceDocument => document.kind === "NetworkResource",
  );
  return [
    ...documents.flatMap((document) =>
      document.kind === "Node" ? [...uplinkIssues(document), ...publicIssues(document)] : [],
    ),
    ...lans.flatMap(lanIssues),
    ...lanOverlaps(lans),
    ...resources.flatMap(resourceIssues),
    ...portClashes(resources),
  ];
}

/** The documents that hold together: one that contradicts itself, or a document before it, is left out. */
export function admit(documents: readonly Document[]): {
  readonly documents: readonly Document[];
  readonly issues: readonly Issue[];
} {
  const issues = findConflicts(documents);
  if (issues.length === 0) return { documents, issues };
  const concerned = new Map<string, Issue[]>(documents.map((document) => [documentId(document), []]));
  for (const issue of issues) for (const id of issue.documents) concerned.get(id)?.push(issue);
  const admitted = new Set<string>();
  for (const id of documents.map(documentId)) {
    const refused = (concerned.get(id) ?? []).some((issue) =>
      issue.documents.every((other) => other === id || admitted.has(other)),
    );
    if (!refused) admitted.add(id);
  }
  // A network that was left out may have stood for the overlap of two others inside it.
  const rest = admit(documents.filter((document) => admitted.has(documentId(document))));
  return { documents: rest.documents, issues: [...issues, ...rest.issues] };
}

/** The longest prefix that leaves room for the gateway and one member. */
const LONGEST_DHCP4 = 30;
/** Members make addresses from an advertised prefix of this length only (RFC 4862, 5.5.3). */
const SLAAC_PREFIX = 64;

function lanIssues(lan: LanDocument): readonly Issue[] {
  const id = documentId(lan);
  const network = cidr(lan.cidr);
  const last = lastOf(network);
  const found: readonly (readonly [wrong: boolean, key: string, message: string])[] = [
    [!isForHosts(network), "cidr", `${lan.cidr} has addresses that no machine can have`],
    [
      lan.ipv6 !== undefined && !isForHosts(cidr(lan.ipv6.cidr)),
      "ipv6.cidr",
      `${lan.ipv6?.cidr ?? ""} has addresses that no machine can be given`,
    ],
    [
      lan.gateway !== undefined && !contains(network, cidr(`${lan.gateway}/32`)),
      "gateway",
      `gateway ${lan.gateway ?? ""} lies outside cidr ${lan.cidr}`,
    ],
    [
      network.prefix <= LONGEST_DHCP4 && (lan.gateway === network.address || lan.gateway === last),
      "gateway",
      `gateway ${lan.gateway ?? ""} is the first or last address of ${lan.cidr}, which no host may have`,
    ],
    [
      lan.dhcp && network.prefix > LONGEST_DHCP4,
      "cidr",
      `${lan.cidr} has no address for a member: DHCP needs a /${LONGEST_DHCP4} at least`,
    ],
    [
      lan.dhcp && lan.ipv6 !== undefined && cidr(lan.ipv6.cidr).prefix !== SLAAC_PREFIX,
      "ipv6.cidr",
      `${lan.ipv6?.cidr ?? ""} is no /${SLAAC_PREFIX}, which router advertisements need`,
    ],
  ];
  return found.flatMap(([wrong, key, message]) =>
    wrong ? [{ documents: [id], key, message: `${id}: ${message}` }] : [],
  );
}

/** Neither reaching into loopback, multicast and the like, nor link-local IPv6, which every link has by itself. */
function isForHosts(network: Cidr): boolean {
  const ends = [network.address, lastOf(network)];
  return network.prefix > 0 && ends.every((address) => isHostAddress(address) && !isLinkLocal(address));
}

function lanOverlaps(lans: readonly LanDocument[]): readonly Issue[] {
  return findOverlaps(lans.map((lan) => ({ lan, network: lan.cidr }))).map(([{ lan: a }, { lan: b }]) => ({
    documents: [documentId(a), documentId(b)],
    key: "cidr",
    message: `${documentId(a)} (${a.cidr}) and ${documentId(b)} (${b.cidr}) overlap: give one of them another network`,
  }));
}

function resourceIssues(resource: NetworkResourceDocument): readonly Issue[] {
  const id = documentId(resource);
  const issues: Issue[] = [];
  if (!contains(cidr(resource.range), cidr(resource.subnet))) {
    issues.push({
      documents: [id],
      key: "subnet",
      message: `${id}: subnet ${resource.subnet} lies outside its range ${resource.range}`,
    });
  }
  const twice = [...Map.groupBy(resource.wireguard?.peers ?? [], ({ publicKey }) => publicKey)];
  for (const [publicKey, { length }] of twice) {
    if (length > 1)
      issues.push({
        documents: [id],
        key: "wireguard.peers",
        message: `${id}: peer ${publicKey} is listed ${length} times: give it one entry with all its allowedIps`,
      });
  }
  const peers = (resource.wireguard?.peers ?? []).flatMap((peer) =>
    peer.allowedIps.map((network) => ({ owner: `peer ${peer.publicKey}`, network })),
  );
  const clashes = findOverlaps([{ owner: "its own subnet", network: resource.subnet }, ...peers]).filter(
    ([a, b]) => a.owner !== b.owner,
  );
  // The kernel would move the prefix from one peer to the other without a word (FINDINGS.md 3.1).
  return [
    ...issues,
    ...clashes.map(([a, b]) => ({
      documents: [id],
      key: "wireguard.peers",
      message: `${id}: ${b.network} of ${b.owner} overlaps ${a.network} of ${a.owner}`,
    })),
  ];
}

function portClashes(resources: readonly NetworkResourceDocument[]): readonly Issue[] {
  const owners = new Map<number, string>();
  const issues: Issue[] = [];
  for (const resource of resources) {
    const port = resource.wireguard?.listenPort;
    if (port === undefined) continue;
    const other = owners.get(port);
    if (other === undefined) owners.set(port, documentId(resource));
    else
      issues.push({
        documents: [other, documentId(resource)],
        key: "wireguard.listenPort",
        message: `${documentId(resource)} and ${other} both listen on UDP port ${port}: give one of them another port`,
      });
  }
  return issues;
}
