import { scenario } from "../harness/scenario.ts";
import { dhcpServer, leasesOf } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const served = { dev: "eth0", v4: "10.74.0.1/24", dhcp4: true, v6: "fd74::1/64", advertise: "dhcp6" } as const;
const topology = { networks: ["lan"], nodes: { server: dhcpServer(["lan"], [served]), n1: { nics: ["lan"] } } };
const ROUNDS = 3;

scenario(
  "DHCP clients that are killed again and again come back once each, with the same lease, and the node stays online",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const [n1, server] = [new NetloomGuest(node("n1")), node("server")];
    await n1.online();
    const before = await n1.node.until("three addresses", async () => {
      const have = await n1.addresses("zos");
      return have.length === 3 ? have : undefined;
    });
    const given = await leasesOf(server);
    t.is(given.length, 2);
    const { total, changed } = (await n1.status()).reconciles;
    // Whoever loses an address or a route for a moment is heard here.
    const heard = "/run/heard";
    await n1.node.run([
      "sh",
      "-c",
      `/usr/sbin/ip monitor address route dev zos >${heard} 2>&1 & echo $! >/run/listener`,
    ]);

    for (const unit of ["dhcp-zos", "dhcp6-zos"]) {
      await step(`${unit} is killed ${ROUNDS} times`, async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const pid = await n1.servicePid(unit);
          await n1.node.run(["kill", "-9", String(pid)]);
          await n1.node.until(`another process of ${unit}`, async () => {
            const now = await n1.servicePid(unit);
            if (now === null || now === pid) return undefined;
            const members = await n1.node.run(["cat", `/sys/fs/cgroup/netloom/${unit}/cgroup.procs`]);
            return members.split("\n").includes(String(now)) || undefined;
          });
        }
      });
    }
    await step("the server has one lease of each family, as before", async () => {
      const identities = (leases: typeof given): readonly string[] =>
        leases.map(({ address, clientId }) => `${address} ${clientId}`).toSorted();
      t.deepEqual(identities(await leasesOf(server)), identities(given));
      t.deepEqual(await n1.addresses("zos"), before);
      const { online, uplink } = await n1.status();
      t.true(online);
      t.is(uplink?.nic, "eth0");
      await n1.node.run(["sh", "-c", "kill $(cat /run/listener)"]);
      t.notRegex(await n1.node.run(["cat", heard]), /Deleted/u);
      t.log(
        `${(await n1.status()).reconciles.total - total} passes, ${(await n1.status()).reconciles.changed - changed} with changes`,
      );
    });
  },
);
