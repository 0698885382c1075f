import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const topology = {
  networks: ["lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.69.0.1/24", dhcp4: true }]),
    n1: { nics: ["lan", "lan"], cmdline: "netloom.probe-timeout=5" },
  },
};

scenario(
  "the cable is moved to another NIC: that becomes the uplink without a reboot, and two NICs on one LAN do not take turns",
  { group: "full", topology, boot: [] },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    await lab.setLink("n1.eth1", { carrier: "down" });
    await lab.boot(["server", "n1"]);
    t.is((await step("it comes online", () => n1.online())).uplink?.nic, "eth0");
    const { pid } = await n1.status();

    const moved = await step("the cable is moved", async () => {
      await lab.setLink("n1.eth0", { carrier: "down" });
      const [lost] = [await n1.uptime()];
      await lab.setLink("n1.eth1", { carrier: "up" });
      const status = await n1.statusWhere(
        "eth1 as the uplink",
        ({ online, uplink }) => online && uplink?.nic === "eth1",
        120_000,
      );
      t.regex(await n1.node.run(["ip", "-o", "link", "show", "master", "zos"]), /^\d+: eth1: /u);
      t.is((await n1.node.run(["cat", "/sys/class/net/zos/address"])).trim(), lab.link("n1.eth1").mac);
      await n1.node.run(["ping", "-c", "1", "-W", "5", "10.69.0.1"]);
      return { status, seconds: (await n1.uptime()) - lost };
    });
    t.log(`online by the other NIC ${moved.seconds.toFixed(1)} guest seconds after the cable was pulled`);
    t.is(moved.status.pid, pid);
    t.regex(moved.status.decision[0]?.reasons.join(", ") ?? "", /no carrier/u);

    await step("the first one gets a cable of its own to the same LAN, and nothing changes", async () => {
      const down = await n1.counter("zos", "carrier_down_count");
      await lab.setLink("n1.eth0", { carrier: "up" });
      // Twice as long as it waits before it looks at others.
      const until = (await n1.uptime()) + 10;
      await n1.node.until("ten seconds", async () => (await n1.uptime()) > until || undefined);
      const { uplink, online } = await n1.status();
      t.deepEqual([uplink?.nic, online], ["eth1", true]);
      t.deepEqual(uplink?.addresses, moved.status.uplink?.addresses);
      t.is(await n1.counter("zos", "carrier_down_count"), down);
    });
  },
);
