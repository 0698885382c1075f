import { stringify } from "yaml";
import type { TopologyDeclaration } from "../harness/topology-schema.ts";
import { scenario } from "../harness/scenario.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const peer = { publicKey: `${"A".repeat(42)}E=`, endpoint: "192.0.2.77:51820", allowedIps: ["10.10.2.0/24"] };
const demo = stringify({
  apiVersion: "netloom/v1",
  kind: "NetworkResource",
  name: "demo",
  subnet: "10.10.1.0/24",
  range: "10.10.0.0/16",
  wireguard: { listenPort: 51820, peers: [peer] },
});
const inline = `netloom.config=inline:${Buffer.from(demo).toString("base64")}`;
/** Nobody is there. */
const SILENT = "192.0.2.99";

const topology: TopologyDeclaration = {
  networks: ["lan", "quiet"],
  nodes: {
    gateway: { role: "gateway", nics: ["lan"] },
    silent: { role: "gateway", nics: ["quiet"], ntp: false },
    n1: { nics: ["lan"], cmdline: inline },
    n2: { nics: ["quiet"], cmdline: `${inline} netloom.ntp=${SILENT}` },
  },
};

scenario(
  "WireGuard starts after the time is known, or half a minute later where nobody knows it; a clock that goes back is named",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const [n1, n2] = [new NetloomGuest(node("n1")), new NetloomGuest(node("n2"))];
    const tunnel = async (guest: NetloomGuest): Promise<boolean> =>
      (await guest.node.exec(["ip", "-n", "ndemo", "link", "show", "w-demo"])).code === 0;

    await step("a node whose lease names a time server has the time before it has WireGuard", async () => {
      await n1.online();
      const { clock, uplink } = await n1.statusWhere("the time", (status) => status.clock.synchronised);
      t.deepEqual(clock.source, [uplink?.server]);
      await n1.node.until("WireGuard", async () => (await tunnel(n1)) || undefined);
      return `${clock.since?.toFixed(1) ?? "?"} s after kernel start`;
    });
    await step("one whose time server is silent says what it waits for, and starts it after all", async () => {
      await n2.online();
      const { waiting, clock } = await n2.status();
      t.false(clock.synchronised);
      t.true(waiting.some(({ for: what }) => what.startsWith(`the time from ${SILENT}`)));
      t.false(await tunnel(n2));
      t.is((await n2.node.exec(["ip", "netns", "exec", "ndemo", "true"])).code, 0, "the rest of it is there");
      await n2.node.until("WireGuard", async () => (await tunnel(n2)) || undefined, 60_000);
      t.false((await n2.status()).clock.synchronised);
      t.regex(await n2.node.run(["netloom", "status"]), new RegExp(`^clock +not synchronised: asking ${SILENT}`, "mu"));
    });
    await step("a clock that is set back an hour is named where a peer does not answer", async () => {
      await n2.node.clockJump(-3600);
      const { clock, peers } = await n2.statusWhere("the step", (status) => status.clock.wentBack > 3500);
      t.true(clock.wentBack <= 3600 + 1);
      const [silent] = peers;
      t.regex(silent?.note ?? "", /whose clock went back by 3\d{3} s$/u);
    });
  },
);
