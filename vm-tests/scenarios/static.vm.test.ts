import { summarise } from "../harness/capture.ts";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const words = [
  "ip=10.62.0.5::10.62.0.1:255.255.255.0:lonely:eth0:none:10.62.0.53",
  "ip=[fd62::5]::[fd62::1]:64::eth0:none",
  "netloom.mtu=1400",
];
const topology = {
  networks: ["lan"],
  nodes: {
    router: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.62.0.1/24", v6: "fd62::1/64" }]),
    n1: { nics: ["lan"], cmdline: words.join(" ") },
  },
};

scenario(
  "static by ip=: addresses, routers, name, name server and MTU of both families, and no word to any DHCP server",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const status = await step("it comes online", () => n1.online());
    t.deepEqual(status.uplink?.addresses, ["10.62.0.5/24", "fd62::5/64"]);
    t.deepEqual(status.uplink?.gateways, ["10.62.0.1", "fd62::1"]);
    t.is(status.hostname, "lonely");
    t.deepEqual(status.problems, []);
    t.like(status.settings, {
      hostname: { value: "lonely", source: `flag ${words[0]}` },
      mtu: { value: 1400, source: "flag netloom.mtu=1400" },
      bridge: { value: "zos", source: "default" },
    });

    await step("the kernel has it so", async () => {
      t.deepEqual(await n1.addresses("zos"), ["10.62.0.5/24", "fd62::5/64"]);
      t.regex(await n1.node.run(["ip", "route", "show", "default"]), /^default via 10\.62\.0\.1 dev zos /u);
      t.regex(await n1.node.run(["ip", "-6", "route", "show", "default"]), /^default via fd62::1 dev zos /u);
      t.is(await n1.node.run(["cat", "/sys/class/net/zos/mtu"]), "1400\n");
      t.is(await n1.node.run(["hostname"]), "lonely\n");
      t.regex(await n1.node.run(["cat", "/etc/resolv.conf"]), /^nameserver 10\.62\.0\.53$/mu);
      for (const router of ["10.62.0.1", "fd62::1"]) await n1.node.run(["ping", "-c", "1", "-W", "5", router]);
    });
    await step("nobody was asked for an address", async () => {
      t.deepEqual(
        status.processes.map(({ name }) => name).filter((name) => name.startsWith("dhcp")),
        [],
      );
      await lab.flush();
      const { protocols } = await summarise(lab.link("n1.eth0").capture);
      t.deepEqual([protocols["DHCPv4"], protocols["DHCPv6"]], [undefined, undefined]);
    });
  },
);
