import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const topology = {
  networks: ["lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v6: "fd61::1/64", advertise: "slaac" }]),
    n1: { nics: ["lan"] },
  },
};

scenario(
  "IPv6 only: a network that has nothing but router advertisements makes a node come online, with its name servers",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const { uplink, onlineChecks, decision } = await step("it comes online", () => n1.online());
    t.like(uplink, { nic: "eth0", link: "zos" });
    t.is(uplink?.addresses.length, 1);
    t.regex(uplink?.addresses[0] ?? "", /^fd61::[0-9a-f:]+\/64$/u);
    t.regex(uplink?.gateways[0] ?? "", /^fe80::/u);
    t.true(onlineChecks.address.ok && onlineChecks.route.ok);
    t.is(decision[0]?.had.lease4, null);
    t.truthy(decision[0]?.had.ra);

    await step("it reaches its router and asks it for names", async () => {
      t.regex(await n1.node.run(["ip", "-6", "route", "show", "default"]), /^default via fe80::\S+ dev zos proto ra /u);
      await n1.node.run(["ping", "-c", "1", "-W", "5", "fd61::1"]);
      await n1.node.until("the name server of the advertisement", async () => {
        const resolv = await n1.node.run(["cat", "/etc/resolv.conf"]);
        return /^nameserver fd61::1$/mu.test(resolv) || undefined;
      });
      await n1.node.run(["ping", "-6", "-c", "1", "-W", "5", "probe.lab.test"]);
    });
    await step(
      "it goes on asking for an IPv4 address, and by DHCPv6 for what the advertisement leaves out",
      async () => {
        const { processes, uplink: now } = await n1.status();
        const clients = processes.map(({ name }) => name).filter((name) => name.startsWith("dhcp"));
        t.deepEqual(clients.toSorted(), ["dhcp-zos", "dhcp6-zos"]);
        t.deepEqual(now?.addresses, uplink?.addresses, "an address by DHCPv6");
      },
    );
  },
);
