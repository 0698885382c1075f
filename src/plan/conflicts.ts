import { cidr, contains, overlaps } from "../lib/ip.ts";
import { documentId, type Document, type LanDocument, type NetworkResourceDocument } from "../model/document.ts";
import type { Issue } from "../model/report.ts";

/** Everything that documents contradict each other in, or themselves. Each refusal names both sides. */
export function findConflicts(documents: readonly Document[]): readonly Issue[] {
  const lans = documents.filter((document): document is LanDocument => document.kind === "Lan");
  const resources = documents.filter((document): document is NetworkResourceDocument => document.kind === "NetworkResource");
  return [...lans.flatMap(lanIssues), ...lanOverlaps(lans), ...resources.flatMap(resourceIssues), ...portClashes(resources)];
}

function lanIssues(lan: LanDocument): readonly Issue[] {
  const network = cidr(lan.cidr);
  if (lan.gateway === undefined || contains(network, cidr(`${lan.gateway}/32`))) return [];
  return [{ documents: [documentId(lan)], key: "gateway", message: `${documentId(lan)}: gateway ${lan.gateway} lies outside cidr ${lan.cidr}` }];
}

function lanOverlaps(lans: readonly LanDocument[]): readonly Issue[] {
  // Sorted by first address, an overlap shows between neighbours: a LAN is compared with the widest one before it.
  const sorted = lans.map((lan) => ({ lan, network: cidr(lan.cidr) })).toSorted((a, b) => compareNetworks(a.network.address, b.network.address) || a.network.prefix - b.network.prefix);
  const issues: Issue[] = [];
  let widest = sorted[0];
  for (const next of sorted.slice(1)) {
    if (widest !== undefined && overlaps(widest.network, next.network)) {
      const [a, b] = [widest.lan, next.lan];
      issues.push({ documents: [documentId(a), documentId(b)], key: "cidr", message: `${documentId(a)} (${a.cidr}) and ${documentId(b)} (${b.cidr}) overlap: give one of them another network` });
    } else {
      widest = next;
    }
  }
  return issues;
}

function compareNetworks(a: string, b: string): number {
  const numbers = (text: string): readonly number[] => text.split(".").map(Number);
  const [x, y] = [numbers(a), numbers(b)];
  return x.reduce((order, part, index) => order || part - (y[index] ?? 0), 0);
}

function resourceIssues(resource: NetworkResourceDocument): readonly Issue[] {
  const id = documentId(resource);
  const issues: Issue[] = [];
  if (!contains(cidr(resource.range), cidr(resource.subnet))) {
    issues.push({ documents: [id], key: "subnet", message: `${id}: subnet ${resource.subnet} lies outside its range ${resource.range}` });
  }
  const claims: { owner: string; network: string }[] = [];
  const own = { owner: "its own subnet", network: resource.subnet };
  for (const peer of resource.wireguard?.peers ?? []) {
    for (const network of peer.allowedIps) {
      const owner = `peer ${peer.publicKey}`;
      const clash = [own, ...claims].find((claim) => claim.owner !== owner && overlaps(cidr(claim.network), cidr(network)));
      // The kernel would move the prefix from one peer to the other without a word (FINDINGS.md 3.1).
      if (clash !== undefined) issues.push({ documents: [id], key: "wireguard.peers", message: `${id}: allowed IPs ${network} of ${owner} overlap ${clash.network} of ${clash.owner}` });
      claims.push({ owner, network });
    }
  }
  return issues;
}

function portClashes(resources: readonly NetworkResourceDocument[]): readonly Issue[] {
  const owners = new Map<number, string>();
  const issues: Issue[] = [];
  for (const resource of resources) {
    const port = resource.wireguard?.listenPort;
    if (port === undefined) continue;
    const other = owners.get(port);
    if (other === undefined) owners.set(port, documentId(resource));
    else issues.push({ documents: [other, documentId(resource)], key: "wireguard.listenPort", message: `${documentId(resource)} and ${other} both listen on UDP port ${port}: give one of them another port` });
  }
  return issues;
}
