import { execFileSync } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { scenario } from "../harness/scenario.ts";
import type { TopologyDeclaration } from "../harness/topology-schema.ts";
import { dhcpServer, leasesOf } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const served = { dev: "eth0", v4: "10.70.0.1/24", dhcp4: true, v6: "fd70::1/64", advertise: "dhcp6" } as const;
const disks = (artifacts: string): readonly [string, string] => [join(artifacts, "n1.img"), join(artifacts, "n2.img")];

/** The second machine has a copy of the first one's disk when it boots. */
function topology(artifacts: string): TopologyDeclaration {
  const [own, copy] = disks(artifacts);
  execFileSync("mkfs.ext4", ["-q", "-L", "netloom", own, "32M"]);
  const server = dhcpServer(["lan"], [served]);
  return {
    networks: ["lan"],
    nodes: { server, n1: { nics: ["lan"], disk: own }, n2: { nics: ["lan"], disk: copy } },
  };
}

scenario(
  "a machine that was cloned with its state disk gets leases of its own, and the first one keeps its",
  { group: "full", topology, boot: ["server", "n1"] },
  async ({ t, lab, node, step }) => {
    const [n1, n2] = [new NetloomGuest(node("n1")), new NetloomGuest(node("n2"))];
    const three = (guest: NetloomGuest): Promise<readonly string[]> =>
      guest.node.until("three addresses", async () => {
        const have = await guest.addresses("zos");
        return have.length === 3 ? have.toSorted() : undefined;
      });
    const first = await step("the first one has its addresses, on its disk as well", async () => {
      await n1.online();
      return await three(n1);
    });
    const [known4, known6] = await leasesOf(node("server"));
    await step("it is shut down, and its disk copied into another machine", async () => {
      await n1.node.powerOff();
      await copyFile(...disks(lab.artifacts));
      await lab.boot(["n1", "n2"]);
      await Promise.all([n1.online(), n2.online()]);
    });
    await step("each has its own", async () => {
      t.deepEqual(await three(n1), first, "another address after a reboot");
      const second = await three(n2);
      t.deepEqual(
        second.filter((address) => first.includes(address)),
        [],
      );
      const given = await leasesOf(node("server"));
      t.is(given.length, 4, JSON.stringify(given));
      t.is(new Set(given.map(({ address }) => address)).size, 4);
      // One client identifier and one DUID for each, the first machine's as they were.
      t.is(new Set(given.map(({ clientId }) => clientId)).size, 4);
      const same = given.filter(({ clientId }) => clientId === known4?.clientId || clientId === known6?.clientId);
      t.is(same.length, 2);
      for (const guest of [n1, n2]) await guest.node.run(["ping", "-c", "1", "-W", "5", "10.70.0.1"]);
    });
  },
);
