import { NetloomError } from "../lib/errors.ts";
import { derivedMac, hostVethName } from "../lib/ifname.ts";
import { documentId, type LanDocument } from "../model/document.ts";
import { BRIDGE_PORTS_MAX } from "../model/limits.ts";
import { memberId, type Member } from "../model/member.ts";
import { hostOf, memberAddresses, memberRoom, nextHost } from "../plan/member-address.ts";

/** Who wants to be a member, with what was left out filled in. */
export type Applicant = Pick<Member, "name" | "netns" | "nic">;

interface Hosts {
  /** The network that the numbers count in. */
  readonly cidr: string;
  readonly taken: Set<number>;
  last: number;
}

/** Who has which name, place and address, so that what is given to a new member is nobody's. */
export class Claims {
  /** Members by what only one can have. */
  readonly #owners = new Map<string, Member>();
  readonly #lans = new Map<string, Set<Member>>();
  readonly #hosts = new Map<string, Hosts>();

  constructor(members: Iterable<Member>) {
    for (const member of members) this.add(member);
  }

  /** What a new member of a LAN is given; nothing is claimed yet. Throws when its place is taken or the LAN is full. */
  draft(lan: LanDocument, { name, netns, nic }: Applicant): Member {
    const id = memberId({ lan: lan.name, name });
    const refuse = (why: string, hint: string): NetloomError =>
      new NetloomError({ code: "refused", op: "join", target: id, why, hint });
    const there = this.#owners.get(placeKey({ netns, nic }));
    if (there !== undefined)
      throw refuse(`${nic} in namespace ${netns} is that of ${memberId(there)}`, "give it another nic");
    const ports = (this.#lans.get(lan.name)?.size ?? 0) + lan.nics.length;
    if (ports >= BRIDGE_PORTS_MAX)
      throw refuse(
        `the bridge of ${documentId(lan)} has ${ports} ports, and the kernel allows ${BRIDGE_PORTS_MAX}`,
        "divide its members among several LANs",
      );
    const hosts = this.#hostsOf(lan);
    const host = nextHost(lan, hosts.taken, hosts.last);
    if (host === undefined)
      throw refuse(
        `all ${memberRoom(lan)} addresses that ${documentId(lan)} (${lan.cidr}) has for members are taken`,
        lan.dhcp ? "the rest is what DHCP gives; make its network wider" : "make its network wider",
      );
    return { lan: lan.name, name, netns, nic, ...this.#names(id), ...memberAddresses(lan, host) };
  }

  add(member: Member): void {
    for (const key of keys(member)) this.#owners.set(key, member);
    const members = this.#lans.get(member.lan) ?? new Set();
    this.#lans.set(member.lan, members.add(member));
    // Numbers of a network that is not known yet are counted when it is asked for.
    const hosts = this.#hosts.get(member.lan);
    const host = hosts === undefined ? undefined : hostOf(hosts, member);
    if (hosts === undefined || host === undefined) return;
    hosts.taken.add(host);
    hosts.last = host;
  }

  remove(member: Member): void {
    for (const key of keys(member)) this.#owners.delete(key);
    this.#lans.get(member.lan)?.delete(member);
    const hosts = this.#hosts.get(member.lan);
    const host = hosts === undefined ? undefined : hostOf(hosts, member);
    if (host !== undefined) hosts?.taken.delete(host);
  }

  /** Names are hashes: two of them may be equal, and then one more is tried. */
  #names(id: string): Pick<Member, "hostName" | "mac"> {
    for (let salt = 0; ; salt += 1) {
      const seed = salt === 0 ? id : `${id} ${salt}`;
      const names = { hostName: hostVethName(seed, ""), mac: derivedMac(seed) };
      if (!uniqueKeys(names).some((key) => this.#owners.has(key))) return names;
    }
  }

  #hostsOf(lan: LanDocument): Hosts {
    const known = this.#hosts.get(lan.name);
    if (known?.cidr === lan.cidr) return known;
    const taken = [...(this.#lans.get(lan.name) ?? [])].flatMap((member) => hostOf(lan, member) ?? []);
    const hosts = { cidr: lan.cidr, taken: new Set(taken), last: 0 };
    this.#hosts.set(lan.name, hosts);
    return hosts;
  }
}

function keys(member: Member): readonly string[] {
  return [placeKey(member), ...uniqueKeys(member)];
}

function placeKey({ netns, nic }: Pick<Member, "netns" | "nic">): string {
  return `place ${netns}/${nic}`;
}

function uniqueKeys({ hostName, mac }: Pick<Member, "hostName" | "mac">): readonly string[] {
  return [`link ${hostName}`, `mac ${mac}`];
}
