import { stringify } from "yaml";
import type { PublicSide } from "../../src/model/document.ts";
import { zosMac } from "../../src/lib/zos-mac.ts";
import { scenario } from "../harness/scenario.ts";
import type { Topology } from "../harness/topology.ts";
import { dhcpServer, serve } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const side: PublicSide = {
  nic: "eth1",
  addresses: ["203.0.113.7/24", "2001:db8:7::7/64"],
  gateways: ["203.0.113.1"],
};
const document = (wanted?: PublicSide): string =>
  stringify({ apiVersion: "netloom/v1", kind: "Node", ...(wanted && { public: wanted }) });
// It gives addresses on both networks: the NIC of the public side must not become the uplink by that.
const served = [
  { dev: "eth0", v4: "10.65.0.1/24", dhcp4: true },
  { dev: "eth1", v4: "203.0.113.1/24", dhcp4: true, v6: "2001:db8:7::1/64", advertise: "slaac" },
] as const;
const topology: Topology = {
  networks: ["lan", "hoster"],
  nodes: {
    server: dhcpServer(["lan", "hoster"], served),
    n1: {
      nics: ["lan", "hoster"],
      cmdline: "netloom.config=fw_cfg:opt/netloom/config",
      fwCfg: { "opt/netloom/config": document(side) },
    },
  },
};

scenario(
  "two NICs, the second for the public side: from boot on, without its cable, shared instead, and with exchanged MACs",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const server = node("server");
    const apply = (wanted: PublicSide): Promise<string> =>
      n1.node.run(["netloom", "apply", "-"], { stdin: document(wanted), timeoutMs: 60_000 });
    const macs = lab.link("n1.eth0").mac;
    const reached = (by: string): Promise<string> =>
      server.until(`an answer of ${by}`, () => server.run(["ping", "-c", "1", "-W", "2", by]));
    const shown = (): Promise<string> => n1.node.run(["netloom", "status"]);

    await step("booted with it, the second NIC is the public side's and the first the uplink", async () => {
      const { uplink, publicSide, decision } = await n1.online();
      t.is(uplink?.nic, "eth0");
      t.like(publicSide, { mode: "dual", nic: "eth1", port: "eth1", waiting: null, mac: zosMac(`${macs}-public`) });
      t.regex(decision.find(({ nic }) => nic === "eth1")?.reasons.join() ?? "", /public side/u);
      for (const address of ["203.0.113.7", "2001:db8:7::7"]) await reached(address);
      t.regex(await shown(), /^public +dual NIC by eth1 203\.0\.113\.7\/24 2001:db8:7::7\/64 via 203\.0\.113\.1$/mu);
      // IPv6 has no gateway in the document: its router advertised itself, and gave no address beside.
      const inside = await n1.node.until("a route by advertisement", async () => {
        const routes = await n1.inside("public", ["ip", "-6", "route", "show", "default"]);
        return /^default via fe80/mu.test(routes) ? routes : undefined;
      });
      t.regex(inside, /proto ra/u);
      const global = await n1.inside("public", ["ip", "-o", "address", "show", "dev", "public", "scope", "global"]);
      t.deepEqual(
        [...global.matchAll(/inet6? (\S+)/gu)].map(([, address]) => address),
        [...side.addresses],
      );
    });
    await step("without its cable the status says so, and the node stays online", async () => {
      await lab.setLink("n1.eth1", { carrier: "down" });
      await n1.statusWhere(
        "the cable in the status",
        ({ publicSide }) => publicSide?.waiting === "eth1 has no carrier",
      );
      t.true((await n1.status()).online);
      await lab.setLink("n1.eth1", { carrier: "up" });
      await reached("203.0.113.7");
    });
    await step("on the uplink's NIC from now on, by a pair to its bridge", async () => {
      const { nic: _nic, ...shared } = side;
      await serve(server, [served[0], { dev: "eth1" }]);
      await server.until("the second network to be nobody's", async () => {
        const theirs = await server.run(["/usr/sbin/ip", "-o", "address", "show", "dev", "eth1", "scope", "global"]);
        return theirs === "" || undefined;
      });
      await server.run(["/usr/sbin/ip", "address", "add", "203.0.113.1/24", "dev", "eth0"]);
      await apply(shared);
      t.like((await n1.status()).publicSide, { mode: "single", nic: "eth0", port: "p-tozos" });
      await reached("203.0.113.7");
      t.like(await n1.status(), { online: true, uplink: { nic: "eth0" } });
    });
    await step("with exchanged MACs the world sees the public side by the NIC's own", async () => {
      const { nic: _nic, ...shared } = side;
      await apply({ ...shared, mac: "swap" });
      await reached("203.0.113.7");
      const neighbour = await server.run(["/usr/sbin/ip", "neigh", "show", "203.0.113.7", "dev", "eth0"]);
      t.regex(neighbour, new RegExp(`lladdr ${macs}`, "u"));
      await n1.statusWhere("the node to be online", ({ online, uplink }) => online && uplink?.nic === "eth0");
      await apply(side);
      await n1.node.until(
        "the NIC's own MAC",
        async () => (await n1.node.run(["cat", "/sys/class/net/eth0/address"])).trim() === macs || undefined,
      );
    });
  },
);
