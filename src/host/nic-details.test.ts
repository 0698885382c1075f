import test from "ava";
import type { Netlink } from "./addon.ts";
import type { Link, LinkState } from "./netlink-types.ts";
import { NicDetails } from "./nic-details.ts";

const card = (part: Partial<Link> = {}): Link => ({
  ...{ index: 2, name: "eth0", kind: null, type: "ether", mac: "02:00:00:00:00:01", permanentMac: null, mtu: 1500 },
  ...{ up: true, carrier: true, carrierUps: 1, operstate: "up", master: null, group: 0, alias: null },
  ...{ peerIndex: null, peerNetnsId: null, parentDev: "virtio0", parentBus: "virtio" },
  stats: { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 },
  ...part,
});

const state = (part: Partial<LinkState>): LinkState => ({
  ...{ index: 2, name: "eth0", link: true, speed: null, duplex: null, autoneg: null, driver: null, bus: null },
  ...part,
});

/** Drivers that answer in turn, and how often they were asked. */
function drivers(...answers: readonly LinkState[]): {
  readonly netlink: Pick<Netlink, "linkStates">;
  readonly asked: () => number;
} {
  let asked = 0;
  const linkStates = (): Promise<readonly LinkState[]> => {
    asked += 1;
    return Promise.resolve(answers.slice(asked - 1, asked));
  };
  return { netlink: { linkStates }, asked: () => asked };
}

test("drivers are asked once, and again when the cable is another one", async (t) => {
  const known = { driver: "virtio_net", bus: "0000:00:03.0" };
  const { netlink, asked } = drivers(state({ ...known, speed: 0 }), state({ ...known, speed: 1000 }));
  const details = new NicDetails();
  t.deepEqual((await details.of(netlink, [card()])).get(2), { driver: "virtio_net", pci: "0000:00:03.0" });
  await details.of(netlink, [card()]);
  t.is(asked(), 1);
  t.like((await details.of(netlink, [card({ carrierUps: 2 })])).get(2), { speed: 1000 });
});

test("a device on the PCI bus has that address, and a driver may say nothing", async (t) => {
  const pci = card({ parentBus: "pci", parentDev: "0000:01:00.1" });
  t.deepEqual((await new NicDetails().of(drivers().netlink, [pci])).get(2), { pci: "0000:01:00.1" });
});
