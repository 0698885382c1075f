import { scenario } from "../harness/scenario.ts";
import { dhcpServer, leasesOf } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

/** The moments at which the daemon of each node is killed, by what there is then. */
const moments = {
  n1: "/run/netns/probe-eth1",
  n2: "/run/netloom/leases/eth1.4",
  n3: "/sys/class/net/zos",
} as const;
const names = Object.keys(moments) as readonly (keyof typeof moments)[];
const topology = {
  networks: ["silent", "lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.73.0.1/24", dhcp4: true }]),
    ...Object.fromEntries(names.map((name) => [name, { nics: ["silent", "lan"] }])),
  },
};

scenario(
  "the daemon is killed while it probes: with a namespace made, with a lease, and with the bridge made; each node gets there",
  { group: "full", topology, boot: [] },
  async ({ t, lab, node, step }) => {
    const guests = names.map((name) => new NetloomGuest(node(name)));
    // Nobody gets far before somebody waits for it.
    for (const name of names) await lab.setLink(`${name}.eth1`, { carrier: "down" });
    await lab.boot(["server", ...names]);
    await step("each is killed at its moment", async () => {
      const killers = guests.map(async (guest) => {
        const moment = moments[guest.name as keyof typeof moments];
        const script = `until [ -e ${moment} ] && pidof netloom; do usleep 1000; done; kill -9 $(pidof netloom); cut -d ' ' -f 1 /proc/uptime`;
        const said = await guest.node.run(["sh", "-c", script], { timeoutMs: 120_000 });
        return Number(said.trim().split("\n").at(-1));
      });
      for (const name of names) await lab.setLink(`${name}.eth1`, { carrier: "up" });
      const killed = await Promise.all(killers);
      for (const [index, guest] of guests.entries()) {
        const { onlineAt, uplink } = await guest.online(120_000);
        t.is(uplink?.nic, "eth1");
        t.true((onlineAt ?? 0) > (killed[index] ?? Infinity), `${guest.name} was online before its daemon was killed`);
      }
    });
    for (const guest of guests) {
      await step(`${guest.name} has nothing left of it, and nothing twice`, async () => {
        await guest.node.until(
          "no namespace",
          async () => (await guest.node.run(["ip", "netns", "list"])) === "" || undefined,
        );
        const { processes, uplink } = await guest.status();
        t.like(uplink, { nic: "eth1", link: "zos" });
        t.deepEqual(
          processes.map(({ name }) => name).filter((name) => name.startsWith("dhcp")),
          ["dhcp-zos"],
        );
        t.is((await guest.node.run(["pidof", "udhcpc"])).trim().split(" ").length, 1);
        t.notRegex(await guest.node.run(["ip", "-o", "-d", "link"]), /macvlan/u);
        await guest.node.run(["ping", "-c", "1", "-W", "5", "10.73.0.1"]);
      });
    }
    t.is((await leasesOf(node("server"))).length, names.length);
  },
);
