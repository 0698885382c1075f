import { stringify } from "yaml";
import type { PublicSide } from "../../src/model/document.ts";
import { gatewayAddress } from "../../src/sdk/addressing.ts";
import { planMesh } from "../../src/sdk/mesh.ts";
import { classify } from "../harness/classify.ts";
import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const VLAN = 5;
const PUBLIC = "203.0.113.7";
const trunk = [
  { dev: "eth0", v4: "10.64.0.1/24", dhcp4: true },
  { dev: `eth0.${VLAN}`, v4: "203.0.113.1/24", v6: "2001:db8:7::1/64" },
] as const;
const topology = {
  networks: ["trunk"],
  nodes: { server: dhcpServer(["trunk"], trunk), n1: { nics: ["trunk"] }, n2: { nics: ["trunk"] } },
};
const side: PublicSide = {
  vlan: VLAN,
  addresses: [`${PUBLIC}/24`, "2001:db8:7::7/64"],
  gateways: ["203.0.113.1", "2001:db8:7::1"],
};

scenario(
  "one NIC with the public side on a VLAN: WireGuard's packets go there, and it is set and unset while the node runs",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const [n1, n2] = [new NetloomGuest(node("n1")), new NetloomGuest(node("n2"))];
    const setSide = (wanted?: PublicSide): Promise<string> =>
      n1.node.run(["netloom", "apply", "-"], {
        stdin: stringify({ apiVersion: "netloom/v1", kind: "Node", ...(wanted && { public: wanted }) }),
        timeoutMs: 60_000,
      });
    const [first, address] = [await n1.online(), (await n2.online()).uplink?.address?.replace(/\/.*/u, "") ?? ""];
    const carrier = (): Promise<readonly number[]> =>
      Promise.all(["zos", "eth0"].map((link) => n1.counter(link, "carrier_down_count")));
    const downs = await carrier();
    const nodes = [
      { id: "n1", publicKey: await n1.publicKey("mesh"), address: PUBLIC, listenPort: 51820 },
      { id: "n2", publicKey: await n2.publicKey("mesh"), address, listenPort: 51820 },
    ];
    const plan = planMesh({ name: "mesh", range: "10.10.0.0/16", nodes });
    const mesh = (id: string): NonNullable<ReturnType<(typeof plan)["get"]>> => {
      const document = plan.get(id);
      if (document === undefined) throw new Error(`nothing was planned for ${id}`);
      return document;
    };
    const answer = (from: NetloomGuest, to: string): Promise<string> =>
      from.node.until(
        "an answer through the mesh",
        () => from.inside("nmesh", ["ping", "-c", "1", "-W", "2", gatewayAddress(mesh(to).subnet)]),
        60_000,
      );
    /** VLANs of the WireGuard packets that n1 has sent and received since a time in its capture; 0 is untagged. */
    const vlansSince = async (time: number): Promise<readonly number[]> => {
      await lab.flush();
      const frames = (await readCapture(lab.link("n1.eth0").capture)).filter(
        (frame) => frame.time > time && classify(frame.bytes).protocol.startsWith("WireGuard"),
      );
      return [
        ...new Set(frames.map(({ bytes }) => (bytes.readUInt16BE(12) === 0x8100 ? bytes.readUInt16BE(14) & 0xfff : 0))),
      ];
    };
    const now = async (): Promise<number> => {
      await lab.flush();
      return (await readCapture(lab.link("n1.eth0").capture)).at(-1)?.time ?? 0;
    };

    await step("set at run time, the node has its public addresses on the VLAN", async () => {
      await setSide(side);
      const { publicSide, uplink } = await n1.status();
      t.like(publicSide, { mode: "single", nic: "eth0", port: `eth0.${VLAN}`, vlan: VLAN, waiting: null });
      t.deepEqual(uplink?.addresses, first.uplink?.addresses);
      for (const to of side.gateways)
        await n1.node.until(`an answer of ${to}`, () => n1.inside("public", ["ping", "-c", "1", "-W", "2", to]));
      await node("server").run(["ping", "-c", "1", "-W", "5", PUBLIC]);
    });
    await step("a mesh goes by the public address, and by nothing else", async () => {
      const since = await now();
      await Promise.all([n1.apply(mesh("n1")), n2.apply(mesh("n2"))]);
      await answer(n2, "n1");
      t.like((await n2.status()).peers[0], { endpoint: `${PUBLIC}:51820` });
      t.deepEqual(await vlansSince(since), [VLAN]);
    });
    await step("unset, the mesh goes on by the uplink, and nothing of the public side is left", async () => {
      await setSide();
      const since = await now();
      await answer(n1, "n2");
      t.deepEqual(await vlansSince(since), [0]);
      t.is((await n1.status()).publicSide, null);
      t.notRegex(await n1.node.run(["ip", "netns", "list"]), /public/u);
      t.notRegex(await n1.node.run(["ip", "-o", "link"]), /br-pub|eth0\.5|tozos/u);
    });
    await step("set again, it is as before, and the uplink never lost its carrier", async () => {
      await setSide(side);
      const since = await now();
      await answer(n1, "n2");
      t.deepEqual(await vlansSince(since), [VLAN]);
      t.deepEqual(await carrier(), downs);
      t.true((await n1.status()).online);
    });
  },
);
