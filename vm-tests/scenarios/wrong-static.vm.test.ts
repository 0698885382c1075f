import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const topology = {
  networks: ["lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.72.0.1/24", dhcp4: true }]),
    n1: { nics: ["lan"] },
  },
};
/** A network that nobody has here. */
const WRONG = `apiVersion: netloom/v1
kind: Node
name: node
uplink:
  mode: static
  addresses: [10.99.9.9/24]
  gateways: [10.99.9.1]
`;
const BAR_SECONDS = 60;

scenario(
  "an uplink that is changed to a wrong static address is back within a minute, lease and all",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const [n1, server] = [new NetloomGuest(node("n1")), node("server")];
    const { uplink } = await n1.online();
    const [address = ""] = uplink?.addresses ?? [];
    const documents = await n1.node.run(["netloom", "show"]);
    const reached = async (): Promise<boolean> =>
      (await server.exec(["ping", "-c", "1", "-W", "1", address.replace(/\/.*/u, "")])).code === 0;
    t.true(await reached());
    await n1.node.writeFile("/run/wrong.yaml", WRONG);

    const cut = await step("the change cuts it off", async () => {
      const started = await n1.uptime();
      const apply = n1.node.exec(["netloom", "apply", "/run/wrong.yaml"], { timeoutMs: 180_000 });
      await n1.node.until(
        "the wrong address",
        async () => (await n1.addresses("zos")).includes("10.99.9.9/24") || undefined,
      );
      t.false(await reached());
      return { started, apply };
    });
    await step("it comes back by itself", async () => {
      await n1.node.until("an answer of the node", async () => (await reached()) || undefined, 180_000);
      const seconds = (await n1.uptime()) - cut.started;
      t.true(seconds <= BAR_SECONDS, `it was away for ${seconds.toFixed(1)} guest seconds`);
      const { code, stderr } = await cut.apply;
      t.is(code, 1);
      t.regex(stderr, /reverted/u);
      return `${seconds.toFixed(1)} guest seconds after the change`;
    });
    await step("all is as before", async () => {
      const now = await n1.statusWhere("the uplink of before", ({ online }) => online);
      t.deepEqual(now.uplink?.addresses, uplink?.addresses);
      t.like(now.guard, { state: "reverted" });
      t.is(await n1.node.run(["netloom", "show"]), documents);
      t.notRegex(await n1.node.run(["ip", "-4", "address"]), /10\.99\.9/u);
    });
  },
);
