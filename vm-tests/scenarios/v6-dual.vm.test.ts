import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer, leasesOf, PROBE_NAME } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const served = { dev: "eth0", v4: "10.60.0.1/24", dhcp4: true, v6: "fd60::1/64", advertise: "dhcp6" } as const;
const topology = { networks: ["lan"], nodes: { server: dhcpServer(["lan"], [served]), n1: { nics: ["lan"] } } };

scenario(
  "dual stack: DHCPv4, router advertisements and DHCPv6 give one bridge its addresses, by one MAC and one lease each",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const [n1, server] = [new NetloomGuest(node("n1")), node("server")];
    const { mac, capture } = lab.link("n1.eth0");

    await step("it comes online by the bridge above its NIC", async () => {
      const { uplink, onlineAt } = await n1.online();
      t.like(uplink, { nic: "eth0", link: "zos" });
      t.regex(await n1.node.run(["ip", "-o", "link", "show", "eth0"]), / master zos /u);
      t.deepEqual(await n1.addresses("eth0"), []);
      t.is((await n1.node.run(["cat", "/sys/class/net/zos/address"])).trim(), mac);
      return `${onlineAt ?? "?"} s after kernel start`;
    });
    await step("it has an address by DHCPv4, one by DHCPv6 and one of its own making", async () => {
      const have = await n1.node.until("three addresses", async () => {
        const now = await n1.addresses("zos");
        return now.length === 3 ? now : undefined;
      });
      for (const pattern of [/^10\.60\.0\.1\d\d\/24$/u, /^fd60::1[0-9a-f]{2}\/128$/u, /^fd60::[0-9a-f:]{10,}\/64$/u])
        t.true(
          have.some((address) => pattern.test(address)),
          `${pattern} is none of ${have.join(", ")}`,
        );
      for (const address of ["10.60.0.1", "fd60::1"]) await n1.node.run(["ping", "-c", "1", "-W", "5", address]);
      t.regex(await n1.node.run(["ip", "route", "show", "default"]), /^default via 10\.60\.0\.1 dev zos /u);
      t.regex(await n1.node.run(["ip", "-6", "route", "show", "default"]), /^default via fe80::\S+ dev zos /u);
      return have.join(", ");
    });
    await step("names are asked for at the servers that it was given", async () => {
      const resolv = await n1.node.until("both name servers", async () => {
        const text = await n1.node.run(["cat", "/etc/resolv.conf"]);
        return /^nameserver 10\.60\.0\.1$/mu.test(text) && /^nameserver fd60::1$/mu.test(text) ? text : undefined;
      });
      t.regex(resolv, /^search lab\.test$/mu);
      t.regex(await n1.node.run(["busybox", "nslookup", PROBE_NAME, "10.60.0.1"]), /Address.*10\.60\.0\.1/u);
      await n1.node.run(["ping", "-c", "1", "-W", "5", PROBE_NAME.replace(".lab.test", "")]);
    });
    await step("one client of each family runs, and nothing of the probe is left", async () => {
      const { processes, decision } = await n1.status();
      const clients = processes.filter(({ name }) => name.startsWith("dhcp"));
      t.deepEqual(clients.map(({ name }) => name).toSorted(), ["dhcp-zos", "dhcp6-zos"]);
      t.true(clients.every(({ up }) => up));
      await n1.node.until("no namespace", async () => (await n1.node.run(["ip", "netns", "list"])) === "" || undefined);
      const [{ had } = { had: null }] = decision;
      // The other family may have come after the decision.
      for (const part of ["carrier", "lease4"] as const) t.truthy(had?.[part], part);
    });
    await step("the network saw one MAC and gave one lease of each family", async () => {
      await lab.flush();
      const sent = (await readCapture(capture)).filter(({ direction }) => direction === "from-guest");
      const senders = new Set(
        sent.map(({ bytes }) =>
          bytes
            .subarray(6, 12)
            .toString("hex")
            .replace(/..(?!$)/gu, "$&:"),
        ),
      );
      t.deepEqual([...senders], [mac]);
      const given = await leasesOf(server);
      t.deepEqual(given.map(({ address }) => address.replace(/\d\d$/u, "")).toSorted(), ["10.60.0.1", "fd60::1"]);
    });
  },
);
