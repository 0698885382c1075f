import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const served = [
  { dev: "eth0", v4: "10.66.0.1/24", dhcp4: true },
  { dev: "eth1", v4: "10.66.1.1/24", dhcp4: true },
] as const;
const topology = {
  networks: ["lan", "spare"],
  nodes: {
    server: dhcpServer(["lan", "spare"], served),
    n1: { nics: ["lan", "spare"], cmdline: "netloom.ignore=eth0 netloom.probe-timeout=5" },
  },
};

scenario(
  "netloom.ignore= on the only NIC that works keeps it out: not a frame by it, said why, and another one is taken",
  { group: "full", topology, boot: [] },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    await lab.setLink("n1.eth1", { carrier: "down" });
    await lab.boot(["server", "n1"]);

    await step("it stays offline and says that the flag did it", async () => {
      const status = await n1.statusWhere("a decision", ({ decision }) => decision.length === 2);
      t.false(status.online);
      t.is(status.uplink, null);
      t.regex(status.decision[0]?.reasons.join(", ") ?? "", /ignored.*netloom\.ignore=eth0/u);
      t.regex(status.decision[1]?.reasons.join(", ") ?? "", /no carrier/u);
      t.is((await n1.node.exec(["netloom", "wait-online", "--timeout", "1"])).code, 1);
      t.like(status.settings.ignore, { value: ["eth0"], source: "flag netloom.ignore=eth0" });
    });
    await step("the other one gets its cable", async () => {
      await lab.setLink("n1.eth1", { carrier: "up" });
      const { uplink } = await n1.online();
      t.is(uplink?.nic, "eth1");
      t.is((await n1.node.exec(["netloom", "wait-online", "--timeout", "1"])).code, 0);
    });
    await step("the ignored NIC never sent a frame", async () => {
      t.is((await lab.link("n1.eth0").counters()).fromGuest.frames, 0);
    });
  },
);
