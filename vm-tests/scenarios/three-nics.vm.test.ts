import { scenario } from "../harness/scenario.ts";
import { dhcpServer, leasesOf } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const served = [
  // A service network: addresses, and no way out of it.
  { dev: "eth0", v4: "10.65.1.1/24", dhcp4: true, v6: "fd65::1/64", advertise: "dhcp6", router: false },
  { dev: "eth1", v4: "10.65.2.1/24", dhcp4: true },
] as const;
const topology = {
  networks: ["bare", "island", "lan"],
  nodes: { server: dhcpServer(["island", "lan"], served), n1: { nics: ["bare", "island", "lan"] } },
};

scenario(
  "three NICs, one with carrier and no DHCP, one with a lease and no gateway, and the right one: it wins",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const { uplink, decision, onlineChecks } = await step("it comes online by the third", () => n1.online());
    t.is(uplink?.nic, "eth2");
    t.true(onlineChecks.route.ok);
    t.deepEqual(
      decision.map(({ nic, chosen }) => [nic, chosen]),
      [
        ["eth0", false],
        ["eth1", false],
        ["eth2", true],
      ],
    );
    const [bare, island, right] = decision;
    t.truthy(bare?.had.carrier);
    t.is(bare?.had.lease4, null);
    t.regex(bare?.reasons.join(", ") ?? "", /no DHCPv4 answer/u);
    t.is(island?.had.gateway, null);
    t.regex(right?.had.lease4 ?? "", /10\.65\.2\.1\d\d\/24/u);
    t.regex(right?.had.gateway ?? "", /10\.65\.2\.1/u);

    await step("the console has one line for each, and the record is in the state", async () => {
      for (const nic of ["eth0", "eth1"]) await n1.node.waitForConsole(new RegExp(`nic ${nic} not chosen: `, "u"));
      await n1.node.waitForConsole(/nic eth2 chosen: /u);
      const kept: unknown = JSON.parse((await n1.node.readFile("/var/cache/modules/network/node.json")).toString());
      t.like(kept, { uplink: "eth2" });
    });
    await step("the same facts give the same decision again, without a daemon", async () => {
      await n1.node.writeFile("/tmp/facts.json", await n1.node.run(["netloom", "status", "--facts"]));
      const cmdline = await n1.node.run(["cat", "/proc/cmdline"]);
      const plan = ["netloom", "boot-plan", "--cmdline", cmdline, "--facts", "/tmp/facts.json", "--json"];
      const replayed = JSON.parse(await n1.node.run(plan)) as { decision: { nic: string; chosen: boolean }[] };
      t.deepEqual(
        replayed.decision.filter(({ chosen }) => chosen).map(({ nic }) => nic),
        ["eth2"],
      );
    });
    await step("the network without a way out got its leases back, and no NIC but the uplink is used", async () => {
      const given = await node("server").until("the leases to be given back", async () => {
        const leases = await leasesOf(node("server"));
        return leases.every(({ address }) => !/^(?:10\.65\.1\.|fd65:)/u.test(address)) ? leases : undefined;
      });
      t.is(given.filter(({ address }) => address.startsWith("10.65.2.")).length, 1);
      await n1.node.until("no namespace", async () => (await n1.node.run(["ip", "netns", "list"])) === "" || undefined);
      await n1.node.run(["ping", "-c", "1", "-W", "5", "10.65.2.1"]);
      t.is((await lab.link("n1.eth0").counters()).toGuest.frames > 0, false, "somebody is on the bare network");
    });
  },
);
