import { familyOf } from "../lib/ip.ts";
import { documentId, type NodeDocument, type PublicSide } from "../model/document.ts";
import type { Facts, NicFact } from "../model/facts.ts";
import { matchesNic } from "../model/nic-pattern.ts";
import { PUBLIC } from "../model/public-names.ts";
import type { Issue } from "../model/report.ts";
import { addressIssues, type Wrong } from "./address-checks.ts";

/**
 * The NIC that `public.nic` names: the public side's own. Null while there is none; several, or one that something else uses
 * (`taken`: by a NIC's name, by what), is refused. The uplink is no public side, else the node would cut itself off.
 */
export function secondNic(
  node: NodeDocument | null,
  facts: Pick<Facts, "nics" | "uplink">,
  taken: ReadonlyMap<string, string>,
): { readonly nic: NicFact | null; readonly issues: readonly Issue[] } {
  const pattern = node?.public?.nic;
  if (node === null || pattern === undefined) return { nic: null, issues: [] };
  const id = documentId(node);
  const refuse = (
    documents: readonly string[],
    why: string,
  ): { readonly nic: null; readonly issues: readonly Issue[] } => ({
    nic: null,
    issues: [{ documents, key: "public.nic", message: `${id}: public.nic ${pattern} ${why}` }],
  });
  const found = facts.nics.filter((nic) => matchesNic(pattern, nic));
  const [nic] = found;
  if (nic === undefined) return { nic: null, issues: [] };
  if (found.length > 1)
    return refuse(
      [id],
      `is ${found.map(({ name }) => name).join(" and ")}: give a pattern that one NIC has, its MAC for example`,
    );
  const owner = taken.get(nic.name);
  if (owner !== undefined) return refuse([id, owner], `is ${nic.name}, a port of ${owner}: take it out of one of them`);
  if (facts.uplink === nic.name && nic.probe !== undefined)
    return refuse(
      [id],
      `is ${nic.name}, by which the node is reached: leave public.nic out to share it, or name another NIC`,
    );
  return { nic, issues: [] };
}

/** Everything that the public side of a document contradicts itself in. */
export function publicIssues(node: NodeDocument): readonly Issue[] {
  const { public: side, uplink } = node;
  const id = documentId(node);
  const names: readonly string[] = [PUBLIC.bridge, ...Object.values(PUBLIC.toUplink)];
  const wrong: Wrong[] = [];
  if (uplink?.bridge !== undefined && names.includes(uplink.bridge))
    wrong.push(["uplink.bridge", `${uplink.bridge} is a name of the public side`]);
  if (side !== undefined) wrong.push(...sideIssues(side, node));
  return wrong.map(([key, why]) => ({ documents: [id], key, message: `${id}: ${why}` }));
}

function sideIssues(side: PublicSide, { uplink }: NodeDocument): readonly Wrong[] {
  const wrong: Wrong[] = [];
  const has = (list: readonly string[], family: 4 | 6): number => list.filter((one) => familyOf(one) === family).length;
  if (side.addresses.length === 0)
    wrong.push(["public.addresses", "the public side has no address: give it one, or leave public out"]);
  wrong.push(...addressIssues({ section: "public", what: "the public side", ...side, hears: () => false }));
  // Routers advertise themselves in IPv6 only.
  if (has(side.addresses, 4) > 0 && has(side.gateways, 4) === 0)
    wrong.push([
      "public.gateways",
      "the public side has an IPv4 address and no IPv4 gateway: nobody outside its network would reach it",
    ]);
  if (uplink?.mode === "none" && side.nic === undefined)
    wrong.push([
      "public.nic",
      "the public side shares the NIC of the uplink, and uplink.mode none means that there is none: name a NIC of its own",
    ]);
  return wrong;
}
