import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

/** Each wrong word, and what the status says of it. */
const wrong = {
  "netloom.ignor=eth9": /netloom\.ignor=eth9.*did you mean netloom\.ignore=eth9/u,
  "vlan:priv=4095": /vlan:priv=4095.*4094/u,
  "ip=300.1.2.3::300.1.2.1:255.255.255.0::eth0:none": /ip=300\.1\.2\.3.*300\.1\.2\.3/u,
  "netloom.mtu=big": /netloom\.mtu=big/u,
  "nameserver=10.71.0": /nameserver=10\.71\.0/u,
} as const;
const right = ["netloom.hostname=well-typed", "nameserver=10.71.0.53"];

const topology = {
  networks: ["lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.71.0.1/24", dhcp4: true }]),
    n1: { nics: ["lan"], cmdline: [...Object.keys(wrong), ...right].join(" ") },
  },
};

scenario(
  "typos in kernel flags are named with reason and remedy, the other words hold, and the node comes online",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const status = await step("it comes online", () => n1.online());
    await step("every wrong word is a problem of its own", () => {
      for (const [word, pattern] of Object.entries(wrong)) {
        const said = status.problems.filter((problem) => problem.includes(word));
        t.is(said.length, 1, `${word}: ${status.problems.join("\n")}`);
        t.regex(said[0] ?? "", pattern);
      }
      t.is(status.problems.length, Object.keys(wrong).length, status.problems.join("\n"));
    });
    await step("the right ones hold", async () => {
      t.is(status.hostname, "well-typed");
      t.regex(await n1.node.run(["cat", "/etc/resolv.conf"]), /^nameserver 10\.71\.0\.53$/mu);
    });
    await step("people see it too", async () => {
      const text = await n1.node.run(["netloom", "status"]);
      for (const word of Object.keys(wrong)) t.true(text.includes(word), word);
      await n1.node.waitForConsole(/netloom\.ignor=eth9/u);
    });
  },
);
