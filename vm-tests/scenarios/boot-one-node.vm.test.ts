import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { readCapture } from "../harness/pcapng-read.ts";
import { scenario } from "../harness/scenario.ts";

const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"], rtc: "2020-01-01T00:00:00" } } };

scenario(
  "a node boots, answers without a network, is reset and started again, and leaves nothing behind",
  { group: "smoke" },
  async ({ t, step, startLab, options: { artifacts } }) => {
    const pids: number[] = [];
    {
      await using lab = await startLab(topology);
      const node = lab.node("n1");
      const link = lab.link("n1.eth0");
      pids.push(node.pid ?? 0);

      await step("its NIC has the address of the topology, and what it sends reaches the switch", async () => {
        t.is((await node.run(["cat", "/sys/class/net/eth0/address"])).trim(), link.mac);
        await node.run(["ip", "link", "set", "eth0", "up"]);
        await node.until("a frame of the guest", async () => (await link.counters()).fromGuest.frames || undefined);
        await node.run(["ip", "link", "set", "eth0", "down"]);
      });
      await step("programs and files are reached with the network down", async () => {
        t.is(await node.run(["uname", "-s"]), "Linux\n");
        t.like(await node.exec(["sh", "-c", "echo no >&2; exit 7"]), { code: 7, stdout: "", stderr: "no\n" });
        await node.writeFile("/run/probe", "kept as it is\n", 0o600);
        t.is((await node.readFile("/run/probe")).toString(), "kept as it is\n");
        const slow = await t.throwsAsync(node.exec(["sleep", "60"], { timeoutMs: 200 }));
        t.regex(slow.message, /n1: "sleep 60" did not end within .*0\.2 s/);
        t.regex(slow.message, /last console lines of n1[\s\S]*n1\.console\.log/);
      });
      await step("a clock that is years behind starts no earlier than the image", async () => {
        // All files of the image have the date of its build.
        const built = Number(await node.run(["stat", "-c", "%Y", "/usr/lib/netloom/netloom"]));
        t.true(Number(await node.run(["date", "+%s"])) >= built);
      });
      await step("a reset is another boot", async () => {
        const first = await node.run(["cat", "/proc/sys/kernel/random/boot_id"]);
        t.not((await node.reboot()).bootId, first.trim());
        await t.throwsAsync(node.readFile("/run/probe"), { message: /No such file/ });
      });
      await step("without power it does not answer, and it can be started again and shut down", async () => {
        await node.powerCut();
        await t.throwsAsync(node.exec(["true"]), { message: /needs a running machine: QEMU was ended by SIGKILL/ });
        await node.boot();
        pids.push(node.pid ?? 0);
        await node.powerOff();
        t.false(node.running);
        t.truthy(await node.waitForConsole(/^-- QEMU ended with status 0$/));
      });
      await step("its capture has every frame that the switch has counted", async () => {
        await lab.flush();
        const captured = (await readCapture(link.capture)).filter(({ direction }) => direction === "from-guest");
        t.is(captured.length, (await link.counters()).fromGuest.frames);
      });
    }
    t.regex(await readFile(`${artifacts}/n1.console.log`, "utf8"), /RESET/);
    t.true(existsSync(`${artifacts}/topology.svg`));
    for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  },
);
