import type { LanDocument } from "../model/document.ts";
import { HOST, type Target } from "../model/kernel.ts";
import type { Member } from "../model/member.ts";
import { lanBridge } from "./lan/bridge.ts";

/** The veth pair of a member, plugged into the LAN's bridge, with its addresses and routes. */
export function compileMember(lan: Pick<LanDocument, "name">, member: Member): Target {
  const { netns, nic, hostName, mac, addresses, routes } = member;
  const host = {
    kind: "link",
    netns: HOST,
    name: hostName,
    type: "veth",
    mac: hostMac(mac),
    master: lanBridge(lan.name),
    peer: { netns, name: nic, mac },
  } as const;
  return [
    host,
    { kind: "link", netns, name: nic, type: "veth", mac, bornWith: { netns: HOST, name: hostName } },
    ...addresses.map((address) => ({ kind: "address", netns, dev: nic, address }) as const),
    ...routes.map((route) => ({ kind: "route", netns, dev: nic, ...route }) as const),
  ];
}

/** The bit beside "locally administered": the two ends differ in it, and nothing has to be hashed. */
const OTHER_END = 0x04;

function hostMac(inside: string): string {
  const first = Number.parseInt(inside.slice(0, 2), 16) ^ OTHER_END;
  return `${first.toString(16).padStart(2, "0")}${inside.slice(2)}`;
}
