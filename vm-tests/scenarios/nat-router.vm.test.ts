import { join } from "node:path";
import { repository } from "../../scripts/lib/repository.ts";
import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";
import { loadTopology } from "../harness/topology-file.ts";

const { topology } = await loadTopology(join(repository, "examples/labs/nat.yaml"));

scenario(
  "a node behind a NAT router reaches one in front of it, which sees the router's address alone",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const addressOf = async (name: string, nic: string): Promise<string> =>
      node(name).until(`an address of ${nic}`, async () => {
        const shown = await node(name).run(["/usr/sbin/ip", "-4", "-o", "address", "show", "dev", nic]);
        return /inet ([\d.]+)/u.exec(shown)?.[1];
      });
    const front = await addressOf("server", "eth0");
    const outside = await addressOf("router", "eth0");
    const inside = await step("the node inside gets its address of the router", () => addressOf("hidden", "eth0"));
    t.is(inside.replace(/\d+$/u, ""), (await addressOf("router", "eth1")).replace(/\d+$/u, ""));

    await step("it reads a page of the server outside", async () => {
      const page = await node("hidden").until("the page", () =>
        node("hidden").run(["wget", "-q", "-O", "-", `http://${front}/`]),
      );
      t.is(page, "hello\n");
    });
    await step("the server saw nobody but the router", async () => {
      await lab.flush();
      const frames = await readCapture(lab.link("server.eth0").capture);
      const senders = frames
        .filter(({ direction, bytes }) => direction === "to-guest" && bytes.readUInt16BE(12) === 0x0800)
        .map(({ bytes }) => [...bytes.subarray(26, 30)].join("."));
      t.deepEqual([...new Set(senders)], [outside]);
    });
    await step("nobody outside gets in, not even by the router's own address", async () => {
      await node("server").run(["ip", "route", "add", `${inside}/32`, "via", outside]);
      const ping = await node("server").exec(["ping", "-c", "2", "-W", "2", inside]);
      t.is(ping.code, 1, ping.stdout);
    });
    await step("no Netloom daemon runs on any of them", async () => {
      for (const guest of lab.nodes) t.is((await guest.exec(["pidof", "netloom"])).code, 1, guest.name);
      t.is((await node("router").exec(["pidof", "dnsmasq"])).code, 0);
    });
  },
);
