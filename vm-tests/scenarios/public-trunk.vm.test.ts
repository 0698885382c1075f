import { stringify } from "yaml";
import type { PublicSide } from "../../src/model/document.ts";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { answers, joinMesh, wireguardVlans } from "./mesh.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const PUBLIC = "203.0.113.7";
const trunk = [
  { dev: "eth0", v4: "10.64.0.1/24", dhcp4: true },
  { dev: "eth0.5", v4: "203.0.113.1/24", v6: "2001:db8:7::1/64" },
] as const;
const n1 = { nics: ["trunk"], cmdline: "vlan:pub=5" };
const topology = {
  networks: ["trunk"],
  nodes: { server: dhcpServer(["trunk"], trunk), n1, n2: { nics: ["trunk"] } },
};
const side: PublicSide = {
  addresses: [`${PUBLIC}/24`, "2001:db8:7::7/64"],
  gateways: ["203.0.113.1", "2001:db8:7::1"],
};

scenario(
  "one NIC with the public side on a VLAN: WireGuard's packets go there, and it is set and unset while the node runs",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const [guest, other] = [new NetloomGuest(node("n1")), new NetloomGuest(node("n2"))];
    const setSide = (wanted?: PublicSide): Promise<string> =>
      guest.node.run(["netloom", "apply", "-"], {
        stdin: stringify({ apiVersion: "netloom/v1", kind: "Node", ...(wanted && { public: wanted }) }),
        timeoutMs: 60_000,
      });
    const vlansDuring = (work: () => Promise<void>): Promise<readonly number[]> => wireguardVlans(lab, "n1.eth0", work);
    const { uplink } = await guest.online();
    const address = (await other.online()).uplink?.address?.replace(/\/.*/u, "") ?? "";
    const counters = (): Promise<readonly number[]> =>
      Promise.all(["zos", "eth0"].map((link) => guest.counter(link, "carrier_down_count")));
    const downs = await counters();

    await step("set at run time, the node has its public addresses on the VLAN of the flag", async () => {
      await setSide(side);
      const { publicSide, uplink: now, settings } = await guest.status();
      t.like(publicSide, { mode: "single", nic: "eth0", port: "eth0.5", vlan: 5, waiting: null });
      t.like(settings.publicVlan, { value: 5, source: "flag vlan:pub=5" });
      t.deepEqual(now?.addresses, uplink?.addresses);
      for (const to of side.gateways)
        await guest.node.until(`an answer of ${to}`, () => guest.inside("public", ["ping", "-c", "1", "-W", "2", to]));
      await node("server").run(["ping", "-c", "1", "-W", "5", PUBLIC]);
    });
    const inside = await step("a mesh goes by the public address, and by nothing else", async () => {
      let addresses: readonly string[] = [];
      const vlans = await vlansDuring(async () => {
        addresses = await joinMesh([
          { guest, address: PUBLIC },
          { guest: other, address },
        ]);
        await answers(other, addresses[0] ?? "");
      });
      t.deepEqual(vlans, [5]);
      t.is((await other.status()).peers[0]?.endpoint, `${PUBLIC}:51820`);
      return addresses;
    });
    const [, far = ""] = inside;
    await step("unset, the mesh goes on by the uplink, and nothing of the public side is left", async () => {
      await setSide();
      t.deepEqual(await vlansDuring(() => answers(guest, far)), [0]);
      t.is((await guest.status()).publicSide, null);
      t.notRegex(await guest.node.run(["ip", "netns", "list"]), /public/u);
      t.notRegex(await guest.node.run(["ip", "-o", "link"]), /br-pub|eth0\.5|tozos/u);
    });
    await step("set again, it is as before, and the uplink never lost its carrier", async () => {
      await setSide(side);
      t.deepEqual(await vlansDuring(() => answers(guest, far)), [5]);
      t.deepEqual(await counters(), downs);
      t.true((await guest.status()).online);
    });
    await step("the daemon is killed, and the next one finds all as it was", async () => {
      const { pid } = await guest.status();
      await guest.node.run(["kill", "-9", String(pid)]);
      const next = await guest.statusWhere(
        "another daemon",
        (status) => status.pid !== pid && status.reconciles.total > 0,
      );
      t.is(next.reconciles.changed, 0);
    });
    await step("somebody removes the namespace: it is made anew, and WireGuard's sockets in it", async () => {
      const device = (): Promise<string> => guest.inside("nmesh", ["cat", "/sys/class/net/w-mesh/ifindex"]);
      const before = await device();
      await guest.node.run(["ip", "netns", "del", "public"]);
      await guest.node.until("another device", async () => (await device()) !== before || undefined);
      await guest.statusWhere("a pass without failures", ({ lastReconcile }) => lastReconcile?.outcome !== "failed");
      t.deepEqual(await vlansDuring(() => answers(guest, far)), [5]);
    });
  },
);
