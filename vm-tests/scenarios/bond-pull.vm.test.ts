import { scenario } from "../harness/scenario.ts";
import { dhcpServer, leasesOf } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const topology = {
  networks: ["lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.64.0.1/24", dhcp4: true }]),
    n1: { nics: ["lan", "lan"], cmdline: "bond=bond0:eth0,eth1:mode=active-backup,miimon=100 ip=bond0:dhcp" },
  },
};

scenario(
  "a bond of two NICs is the uplink, and keeps it while either cable is pulled",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const { uplink, decision } = await step("it comes online by the bond", () => n1.online());
    t.like(uplink, { nic: "bond0", link: "zos" });
    t.true(decision.find(({ nic }) => nic === "bond0")?.chosen);
    const state = await n1.node.run(["cat", "/proc/net/bonding/bond0"]);
    t.regex(state, /Bonding Mode: fault-tolerance \(active-backup\)/u);
    t.regex(state, /MII Polling Interval \(ms\): 100/u);
    t.deepEqual([...state.matchAll(/^Slave Interface: (\S+)$/gmu)].map(([, name = ""]) => name).toSorted(), [
      "eth0",
      "eth1",
    ]);
    const lost = await n1.counter("zos", "carrier_down_count");

    for (const [pulled, other] of [
      ["eth0", "eth1"],
      ["eth1", "eth0"],
    ] as const) {
      await step(`the cable of ${pulled} is pulled`, async () => {
        await lab.setLink(`n1.${pulled}`, { carrier: "down" });
        await n1.node.until(`${other} to carry`, async () => {
          const now = await n1.node.run(["cat", "/sys/class/net/bond0/bonding/active_slave"]);
          return now.trim() === other || undefined;
        });
        await n1.node.run(["ping", "-c", "2", "-W", "5", "10.64.0.1"]);
        const now = await n1.status();
        t.true(now.online);
        t.deepEqual(now.uplink?.addresses, uplink?.addresses);
        await lab.setLink(`n1.${pulled}`, { carrier: "up" });
        await n1.node.until(`${pulled} to be back`, async () => {
          const back = await n1.node.run(["cat", `/sys/class/net/${pulled}/carrier`]);
          return back === "1\n" || undefined;
        });
      });
    }
    t.is(await n1.counter("zos", "carrier_down_count"), lost, "the bridge lost its carrier");
    t.is((await leasesOf(node("server"))).length, 1);
  },
);
