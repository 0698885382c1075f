import { withoutPrefix } from "../../src/lib/ip.ts";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer, serve, type Served } from "./dhcp-server.ts";
import { answers, joinMesh } from "./mesh.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const there: Served = { dev: "eth1", v4: "10.68.2.1/24", dhcp4: true };
const before: Served = { dev: "eth0", v4: "10.68.0.1/24", dhcp4: true, v6: "fd68::1/64", advertise: "dhcp6" };
const after: Served = { ...before, v4: "10.68.9.1/24", v6: "fd69::1/64" };
const topology = {
  networks: ["here", "there"],
  nodes: { router: dhcpServer(["here", "there"], [before, there]), n1: { nics: ["here"] }, n2: { nics: ["there"] } },
};
/** Half of a lease until the client asks again, the whole of it for what the old router advertised. */
const PATIENCE_MS = 240_000;

scenario(
  "a server that renumbers is followed without a restart, and a mesh over it keeps its namespace, its session and its counters",
  { group: "full", topology, timeoutMs: 600_000 },
  async ({ t, node, step }) => {
    const guests = [new NetloomGuest(node("n1")), new NetloomGuest(node("n2"))] as const;
    const [n1, n2] = guests;
    const inside = await step("two nodes join a mesh over a router", async () => {
      const members = guests.map(async (guest) => {
        const { uplink } = await guest.online();
        return { guest, address: withoutPrefix(uplink?.address ?? "") };
      });
      return await joinMesh(await Promise.all(members));
    });
    const [own = "", other = ""] = inside;
    await answers(n1, other);
    const [peer] = (await n1.status()).peers;
    const [inode, pid] = [await n1.node.run(["stat", "-c", "%i", "/run/netns/nmesh"]), (await n1.status()).pid];
    const client = await n1.servicePid("dhcp-zos");

    await step("the router gives other addresses from now on", () => serve(node("router"), [after, there]));
    const renumbered = await step("the node has the new ones, and the old ones no more", async () => {
      const now = await n1.node.until(
        "the new addresses alone",
        async () => {
          const have = await n1.addresses("zos");
          const fresh = have.filter((address) => /^(?:10\.68\.9\.|fd69:)/u.test(address));
          if (fresh.length < have.length) throw new Error(have.join(", "));
          return fresh.length === 3 ? fresh : undefined;
        },
        PATIENCE_MS,
      );
      t.regex(await n1.node.run(["ip", "route", "show", "default"]), /^default via 10\.68\.9\.1 dev zos /u);
      const {
        online,
        pid: same,
        uplink,
      } = await n1.statusWhere(
        "the new address in the status",
        (status) => status.uplink?.addresses.some((address) => address.startsWith("10.68.9.")) === true,
      );
      t.deepEqual([online, same, uplink?.nic], [true, pid, "eth0"]);
      t.is(await n1.servicePid("dhcp-zos"), client, "the client was started again");
      return now.join(", ");
    });
    await step("the mesh is the one from before", async () => {
      await answers(n1, other);
      await answers(n2, own);
      t.is(await n1.node.run(["stat", "-c", "%i", "/run/netns/nmesh"]), inode);
      const [now] = (await n1.status()).peers;
      t.true((now?.lastHandshake ?? 0) >= (peer?.lastHandshake ?? Infinity), "the session was lost");
      t.true((now?.rxBytes ?? 0) > (peer?.rxBytes ?? Infinity) && (now?.txBytes ?? 0) > (peer?.txBytes ?? Infinity));
      const [seen] = (await n2.status()).peers;
      const v4 = renumbered.split(", ").find((address) => address.startsWith("10.68.9.")) ?? "";
      t.is(seen?.endpoint, `${withoutPrefix(v4)}:51820`);
    });
  },
);
