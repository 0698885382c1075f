import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";

// A clock of its own is nothing that a clone could have: this one boots from cold.
const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"], rtc: "2020-01-01T00:00:00" } } };

scenario(
  "a node boots from cold with an old clock, reaches the switch by its NIC, and leaves nothing behind",
  { group: "smoke" },
  async ({ t, step, startLab, options: { artifacts } }) => {
    let pid = 0;
    let sockets = "";
    {
      await using lab = await startLab(topology);
      const node = lab.node("n1");
      const link = lab.link("n1.eth0");
      [pid, sockets] = [node.pid ?? 0, lab.sockets];

      await step("its NIC has the address of the topology, and what it sends reaches the switch", async () => {
        t.is((await node.run(["cat", "/sys/class/net/eth0/address"])).trim(), link.mac);
        await node.run(["ip", "link", "set", "eth0", "up"]);
        await node.until("a frame of the guest", async () => (await link.counters()).fromGuest.frames || undefined);
      });
      await step("a clock that is years behind starts no earlier than the image", async () => {
        // All files of the image have the date of its build.
        const built = Number(await node.run(["stat", "-c", "%Y", "/usr/lib/netloom/netloom"]));
        t.true(Number(await node.run(["date", "+%s"])) >= built);
      });
      await step("its capture has every frame that the switch has counted", async () => {
        await node.powerOff();
        await lab.flush();
        const captured = (await readCapture(link.capture)).filter(({ direction }) => direction === "from-guest");
        t.is(captured.length, (await link.counters()).fromGuest.frames);
      });
    }
    t.regex(await readFile(`${artifacts}/n1.console.log`, "utf8"), /-- QEMU ended with status 0\n/u);
    t.true(existsSync(`${artifacts}/topology.svg`));
    t.false(existsSync(sockets));
    t.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  },
);
