import { classify } from "../harness/classify.ts";
import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { GATEWAY, NETWORK } from "./gateway.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const topology = {
  networks: [NETWORK, "silent", "nowhere"],
  nodes: { gateway: GATEWAY, n1: { nics: ["nowhere", "silent", NETWORK] } },
};

scenario(
  "of three NICs the one with a cable and a DHCP server wins, and the record says why the others did not",
  { group: "full", topology, boot: [] },
  async ({ t, lab, node }) => {
    const guest = new NetloomGuest(node("n1"));
    await lab.setLink("n1.eth0", { carrier: "down" });
    await lab.boot(["gateway", "n1"]);

    const { uplink, decision, onlineAt } = await guest.online();
    t.like(uplink, { nic: "eth2", link: "zos" });
    t.like(decision, [
      { nic: "eth0", chosen: false, mac: lab.link("n1.eth0").mac },
      { nic: "eth1", chosen: false, mac: lab.link("n1.eth1").mac },
      { nic: "eth2", chosen: true, mac: lab.link("n1.eth2").mac },
    ]);
    const [unplugged, silent, right] = decision.map(({ reasons }) => reasons.join(", "));
    t.regex(unplugged ?? "", /has no carrier/u);
    t.regex(silent ?? "", /has carrier, no DHCPv4 answer and no router advertisement with an address yet/u);
    t.regex(
      right ?? "",
      /has carrier, DHCPv4 lease 192\.168\.50\.\d+\/24 from 192\.168\.50\.1, .*first NIC with all that is asked for/u,
    );
    await guest.node.waitForConsole(/nic eth0 not chosen: has no carrier/u);

    // The silent one delayed nobody: the right one was asked long before the last try on the silent one.
    await lab.flush();
    const [, , again = Infinity] = await dhcpFrames(lab.link("n1.eth1").capture);
    const [asked = Infinity] = await dhcpFrames(lab.link("n1.eth2").capture);
    t.true(asked < again, `eth2 was asked at ${asked}, eth1 for the third time at ${again}`);
    t.is((await lab.link("n1.eth0").counters()).fromGuest.frames, 0);
    await guest.statusWhere("one client", ({ processes }) => {
      const clients = processes.map(({ name }) => name).filter((name) => name.startsWith("dhcp-"));
      return clients.join() === "dhcp-zos";
    });
    t.log(`online ${onlineAt ?? 0} s after kernel start`);

    // The router of the IPv6 advertisements calls itself one when it is asked for its MAC as well: else its route is dropped.
    const router = await guest.node.until("a default route by advertisement", async () => {
      const routes = await guest.node.run(["ip", "-6", "route", "show", "default"]);
      return /^default via (fe80::\S+) dev zos/mu.exec(routes)?.[1];
    });
    await guest.node.run(["ip", "neigh", "change", router, "dev", "zos", "nud", "probe", "router"]);
    await guest.node.until("its answer", async () => {
      const neighbours = await guest.node.run(["ip", "neigh", "show", router, "dev", "zos"]);
      return neighbours.includes("REACHABLE") || undefined;
    });
    t.regex(await guest.node.run(["ip", "-6", "route", "show", "default"]), new RegExp(`via ${router} dev zos`, "u"));

    // A cable that is plugged in later changes nothing; the uplink stays while it has all that is asked for.
    const { reconciles } = await guest.status();
    await lab.setLink("n1.eth0", { carrier: "up" });
    const later = await guest.statusWhere("a pass after it", (now) => now.reconciles.total > reconciles.total);
    t.like(later, { online: true, onlineAt, uplink: { nic: "eth2", link: "zos" } });
  },
);

/** When a guest asked for an address, in the order of the capture. */
async function dhcpFrames(capture: string): Promise<readonly number[]> {
  const frames = await readCapture(capture);
  return frames
    .filter(({ direction, bytes }) => direction === "from-guest" && classify(bytes).protocol === "DHCPv4")
    .map(({ time }) => time);
}
