import { familyOf, withoutPrefix, type Family } from "../lib/ip.ts";

/** A key of a document, and what is wrong with it. */
export type Wrong = readonly [key: string, why: string];

/** Addresses and default routers that a document gives to one side of the node. */
export interface Addressed {
  /** The section of the document: "uplink". */
  readonly section: string;
  /** In words: "the uplink". */
  readonly what: string;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  /** True when addresses of a family come by themselves too. */
  readonly hears: (family: Family) => boolean;
}

/** What addresses and their routers contradict each other in, whichever side of the node has them. */
export function addressIssues({ section, what, addresses, gateways, hears }: Addressed): readonly Wrong[] {
  const wrong: Wrong[] = [];
  const of = (list: readonly string[], family: Family): readonly string[] =>
    list.filter((one) => familyOf(one) === family);
  const own = addresses.map(withoutPrefix);
  const twice = own.find((address, at) => own.indexOf(address) !== at);
  if (twice !== undefined) wrong.push([`${section}.addresses`, `${section}.addresses has ${twice} twice`]);
  for (const family of [4, 6] as const) {
    const routers = of(gateways, family);
    if (routers.length > 1)
      wrong.push([
        `${section}.gateways`,
        `${section}.gateways has ${routers.length} of IPv${family}: one default route needs one`,
      ]);
    if (routers.length > 0 && of(addresses, family).length === 0 && !hears(family))
      wrong.push([
        `${section}.gateways`,
        `${what} has an IPv${family} gateway and no IPv${family} address to reach it from`,
      ]);
  }
  const self = gateways.find((gateway) => own.includes(gateway));
  if (self !== undefined) wrong.push([`${section}.gateways`, `the gateway ${self} of ${what} is its own address`]);
  return wrong;
}
