import { scenario } from "../harness/scenario.ts";
import { dhcpServer, serve } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

const link = { dev: "eth0", v4: "10.67.0.1/24" } as const;
const LATE_SECONDS = 120;
/** A service of the image that needs the network: it writes down when it was started. */
const needy = "/etc/netloom/services/needy";
const files = {
  [`${needy}/run`]: {
    content: "#!/bin/sh\ncut -d ' ' -f 1 /proc/uptime >>/run/needy\nexec sleep 2147483647\n",
    mode: 0o755,
  },
  [`${needy}/needs-online`]: "",
};
const topology = {
  networks: ["lan"],
  nodes: { server: dhcpServer(["lan"], [link]), n1: { nics: ["lan"], files } },
};

scenario(
  "no DHCP server for two minutes, then one: the node says what it lacks, is met soon, and starts what needs the network then",
  { group: "full", topology, timeoutMs: 480_000 },
  async ({ t, lab, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    await step("after two minutes it is offline, and says which check fails", async () => {
      const until = (await n1.uptime()) + LATE_SECONDS;
      await n1.node.until("two minutes", async () => (await n1.uptime()) > until || undefined, 240_000);
      const { online, onlineAt, onlineChecks, decision, waiting } = await n1.status();
      t.deepEqual([online, onlineAt], [false, null]);
      t.false(onlineChecks.address.ok);
      t.regex(onlineChecks.address.why, /no NIC is chosen yet/u);
      t.regex(decision[0]?.reasons.join(", ") ?? "", /no DHCPv4 answer/u);
      t.true(
        waiting.some(({ overdue }) => overdue),
        JSON.stringify(waiting),
      );
      t.is((await n1.node.exec(["netloom", "wait-online", "--timeout", "1"])).code, 1);
      t.is((await n1.node.exec(["test", "-e", "/run/needy"])).code, 1, "a service ran before the network was there");
    });
    await step("a server starts, and the node is online within seconds", async () => {
      const before = await n1.uptime();
      await serve(node("server"), [{ ...link, dhcp4: true }]);
      const { onlineAt } = await n1.online();
      await n1.node.until(
        "the service",
        async () => (await n1.node.exec(["test", "-s", "/run/needy"])).code === 0 || undefined,
      );
      const [started = ""] = (await n1.node.run(["cat", "/run/needy"])).split("\n");
      t.true(Number(started) >= (onlineAt ?? Infinity), `started at ${started}, online at ${onlineAt ?? "never"}`);
      return `${((onlineAt ?? Number.NaN) - before).toFixed(1)} guest seconds after the server was told to start`;
    });
    await step("it asked all the time, and not too often", async () => {
      const { fromGuest } = await lab.link("n1.eth0").counters();
      t.true(fromGuest.frames < 4 * LATE_SECONDS, `${fromGuest.frames} frames`);
    });
  },
);
