import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer, leasesOf } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

/** Who takes the untagged network has the wrong one. */
const trunk = [
  { dev: "eth0", v4: "10.63.0.1/24", dhcp4: true, v6: "fd63::1/64", advertise: "slaac" },
  { dev: "eth0.7", v4: "10.63.7.1/24", dhcp4: true, v6: "fd63:7::1/64", advertise: "slaac" },
] as const;
const topology = {
  networks: ["trunk"],
  nodes: { server: dhcpServer(["trunk"], trunk), n1: { nics: ["trunk"], cmdline: "vlan:priv=7" } },
};
const VLAN_7 = "81000007";

scenario(
  "a VLAN trunk with vlan:priv: probed, chosen and used on the tag alone",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    await step("it comes online with an address of the VLAN", async () => {
      const { uplink, settings } = await n1.online();
      t.like(uplink, { nic: "eth0", link: "zos" });
      t.true(uplink?.addresses.some((address) => /^10\.63\.7\.1\d\d\/24$/u.test(address)));
      t.like(settings.vlan, { value: 7, source: "flag vlan:priv=7" });
      t.regex(
        await n1.node.run(["ip", "-d", "-o", "link", "show", "master", "zos"]),
        / eth0\.7@eth0: .* vlan .*id 7 /u,
      );
      await n1.node.run(["ping", "-c", "1", "-W", "5", "10.63.7.1"]);
    });
    await step("it has nothing of the untagged network", async () => {
      const given = await leasesOf(node("server"));
      t.true(given.length === 1 && given.every(({ address }) => address.startsWith("10.63.7.")));
      const have = [...(await n1.addresses("eth0")), ...(await n1.addresses("zos"))];
      t.deepEqual(
        have.filter((address) => /^(?:10\.63\.0\.|fd63::)/u.test(address)),
        [],
      );
    });
    await step("every frame that it sent had the tag", async () => {
      await lab.flush();
      const sent = (await readCapture(lab.link("n1.eth0").capture)).filter(
        ({ direction }) => direction === "from-guest",
      );
      const untagged = sent.filter(
        ({ bytes }) => (bytes.readUInt32BE(12) & 0xffff0fff) >>> 0 !== Number.parseInt(VLAN_7, 16),
      );
      t.is(untagged.length, 0, untagged[0]?.bytes.toString("hex"));
      return `${sent.length} frames`;
    });
  },
);
