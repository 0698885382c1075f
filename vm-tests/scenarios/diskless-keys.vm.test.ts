import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const RESOURCE = `apiVersion: netloom/v1
kind: NetworkResource
name: demo
subnet: 10.10.1.0/24
range: 10.10.0.0/16
wireguard:
  listenPort: 51820
`;
const topology = {
  networks: ["lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.75.0.1/24", dhcp4: true }]),
    n1: { nics: ["lan"], cmdline: `netloom.config=inline:${Buffer.from(RESOURCE).toString("base64")}` },
  },
};

scenario(
  "a node without a disk has new keys after a reboot, announces them, and its status says that they live in memory",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const announced = async (): Promise<string> => {
      await n1.online();
      const key = await n1.publicKey("demo");
      const { state, keys } = await n1.statusWhere("the key", (status) => status.keys.length === 1);
      t.regex(state.kept, /^in memory/u);
      t.deepEqual(keys, [{ resource: "demo", publicKey: key, since: "boot" }]);
      await n1.node.waitForConsole(new RegExp(`demo.*${RegExp.escape(key)}`, "u"));
      t.regex(await n1.node.run(["netloom", "status"]), new RegExp(`demo.*${RegExp.escape(key)}.*boot`, "u"));
      return key;
    };
    const first = await step("its key is announced", announced);
    const second = await step("after a reboot there is another one, announced as well", async () => {
      await n1.node.reboot();
      return await announced();
    });
    t.not(first, second);
  },
);
