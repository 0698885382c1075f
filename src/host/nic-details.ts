import type { NicFact } from "../model/facts.ts";
import type { Netlink } from "./addon.ts";
import type { Link, LinkState } from "./netlink-types.ts";

/** What a driver says of its NIC. */
export type NicDetail = Pick<NicFact, "driver" | "pci" | "speed">;

/** What drivers say, asked again when a NIC is new or its carrier came or went: speed is agreed upon with the other end. */
export class NicDetails {
  /** By index, with the state of the link when its driver was asked. */
  readonly #known = new Map<number, { readonly stamp: string; readonly detail: NicDetail }>();

  /** The details of NICs of the namespace that the sockets are in, by index. */
  async of(netlink: Pick<Netlink, "linkStates">, nics: readonly Link[]): Promise<ReadonlyMap<number, NicDetail>> {
    if (nics.some((nic) => this.#known.get(nic.index)?.stamp !== stampOf(nic))) {
      // A kernel without ethtool by netlink knows nothing of drivers, and the NIC is one all the same.
      const states = new Map((await netlink.linkStates().catch(() => [])).map((state) => [state.index, state]));
      this.#known.clear();
      for (const nic of nics)
        this.#known.set(nic.index, { stamp: stampOf(nic), detail: detailOf(nic, states.get(nic.index)) });
    }
    return new Map([...this.#known].map(([index, { detail }]) => [index, detail]));
  }
}

function stampOf({ name, mac, up, carrier, carrierUps = 0 }: Link): string {
  return JSON.stringify([name, mac, up, carrier, carrierUps]);
}

const PCI = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/u;

function detailOf({ parentBus, parentDev }: Link, state: LinkState | undefined): NicDetail {
  const { driver = null, bus = null, speed = null } = state ?? {};
  // The parent of a virtio NIC is on the virtio bus; its driver names the PCI device below.
  const pci = [parentBus === "pci" ? parentDev : null, bus].find((address) => address !== null && PCI.test(address));
  return {
    ...(driver === null ? {} : { driver }),
    ...(pci === undefined || pci === null ? {} : { pci }),
    // virtio says 0 or nothing when it does not know.
    ...(speed === null || speed === 0 ? {} : { speed }),
  };
}
