import type { ActualLink } from "../model/actual.ts";
import { HOST } from "../model/kernel.ts";

/** A link of the node as the kernel shows one that nobody touched: switched off, on its own, and nobody's. */
export function untouchedLink(part: Pick<ActualLink, "name" | "index" | "type"> & Partial<ActualLink>): ActualLink {
  return {
    netns: HOST,
    mac: null,
    mtu: 1500,
    up: false,
    carrier: true,
    master: null,
    masterOwned: false,
    adopted: false,
    peerIndex: null,
    lower: null,
    bornIn: null,
    options: null,
    port: null,
    vlans: null,
    alias: null,
    group: 0,
    owned: false,
    ...part,
  };
}
