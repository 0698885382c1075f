import type { ExecutionContext } from "ava";
import { scenario } from "../harness/scenario.ts";
import { dhcpServer } from "./dhcp-server.ts";
import { NetloomGuest } from "./netloom-guest.ts";

/** A service of an operator's that needs the network: it writes down when it was started. */
const needy = "/etc/netloom/services/needy";
const files = {
  [`${needy}/run`]: {
    content:
      "#!/bin/sh\ncut -d ' ' -f 1 /proc/uptime >>/run/needy\nexec /usr/libexec/netloom/in-cgroup needy tail -f /dev/null\n",
    mode: 0o755,
  },
  [`${needy}/needs-online`]: "",
};
const topology = {
  networks: ["lan"],
  nodes: {
    server: dhcpServer(["lan"], [{ dev: "eth0", v4: "10.68.0.1/24", dhcp4: true }]),
    n1: { nics: ["lan"], cmdline: "netloom.supervisor=zinit", files },
  },
};
/** Programs of which a node has one each, by the names of their processes. */
const ONCE = ["netloom", "udhcpc", "s6-log", "mdev", "keep-clock", "tell-online", "tail", "zinit-server"];

scenario(
  "a node boots under zinit with every service registered there, and when its server is killed nothing is doubled and it stays online",
  { group: "full", topology },
  async ({ t, node, step }) => {
    const n1 = new NetloomGuest(node("n1"));
    const { onlineAt } = await n1.online();
    await step("every service is a unit of zinit, and s6 runs none", async () => {
      const { supervisor, processes, problems } = await n1.status();
      t.is(supervisor, "zinit");
      t.deepEqual(problems, []);
      t.true(
        processes.some(({ name, up }) => name === "dhcp-zos" && up),
        JSON.stringify(processes),
      );
      const services = (await n1.node.run(["ls", "/etc/netloom/services"])).trim().split("\n");
      const units = (await n1.node.run(["ls", "/etc/zinit/services"])).trim().split("\n");
      for (const name of [...services, ...processes.map((process) => process.name)])
        t.true(units.includes(`${name}.toml`), name);
      t.is((await n1.node.exec(["pidof", "s6-svscan", "s6-supervise"])).code, 1);
      await alone(t, n1);
    });
    await step("what needs the network started when the node was online, and not before", async () => {
      await n1.node.until(
        "the service",
        async () => (await n1.node.exec(["test", "-s", "/run/needy"])).code === 0 || undefined,
      );
      t.true(Number((await n1.node.run(["cat", "/run/needy"])).split("\n")[0]) >= (onlineAt ?? Infinity));
    });
    await step(
      "killed, the server comes back with each service once, and the node is online with the same address",
      async () => {
        const before = await n1.status();
        const [server = ""] = (await n1.node.run(["pidof", "zinit-server"])).trim().split(" ");
        await n1.node.exec(["kill", "-9", server]);
        await n1.node.until("all services under the new server", async () => {
          const now = await n1.status();
          const same = now.processes.length === before.processes.length && now.processes.every(({ up }) => up);
          return same && now.pid !== before.pid && now.online ? now : undefined;
        });
        t.not((await n1.node.run(["pidof", "zinit-server"])).trim(), server);
        await n1.node.until("one of each", async () =>
          (await counts(n1)).every((count) => count === 1) ? true : undefined,
        );
        const { online, uplink, problems } = await n1.status();
        t.deepEqual([online, uplink?.address, problems], [true, before.uplink?.address, []]);
        await alone(t, n1);
        await n1.node.run(["ping", "-c", "1", "-W", "5", "10.68.0.1"]);
      },
    );
    await step("a client that is killed is started again", async () => {
      const [client = ""] = (await n1.node.run(["pidof", "udhcpc"])).trim().split(" ");
      await n1.node.run(["kill", "-9", client]);
      await n1.node.until("another client", async () => {
        const now = (await n1.node.exec(["pidof", "udhcpc"])).stdout.trim();
        return (now !== "" && now !== client) || undefined;
      });
      t.true((await n1.status()).online);
    });
  },
);

async function counts(guest: NetloomGuest): Promise<readonly number[]> {
  return await Promise.all(
    ONCE.map(async (name) => (await guest.node.exec(["pidof", name])).stdout.split(/\s+/u).filter(Boolean).length),
  );
}

/** Each program runs once. */
async function alone(t: ExecutionContext, guest: NetloomGuest): Promise<void> {
  t.deepEqual(
    Object.fromEntries((await counts(guest)).map((count, index) => [ONCE[index], count])),
    Object.fromEntries(ONCE.map((name) => [name, 1])),
  );
}
