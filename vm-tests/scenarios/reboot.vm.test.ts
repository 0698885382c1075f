import { scenario } from "../harness/scenario.ts";

const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"], files: { "/etc/kept": "in each boot" } } } };

scenario(
  "a guest that restarts, from outside or by itself, is followed: files, journal and links work in the next boot",
  { group: "full", topology },
  async ({ t, lab, node, step }) => {
    const n1 = node("n1");
    const boots = new Set([(await n1.ready()).bootId]);
    await lab.setLink("n1.eth0", { carrier: "down" });
    const checked = async (bootId: string): Promise<void> => {
      t.false(boots.has(bootId), "a boot id that was seen before");
      boots.add(bootId);
      t.is(await n1.run(["cat", "/proc/sys/kernel/random/boot_id"]), `${bootId}\n`);
      await t.throwsAsync(n1.readFile("/run/probe"), { message: /No such file/u });
      await n1.writeFile("/run/probe", "of this boot");
      t.is((await n1.readFile("/etc/kept")).toString(), "in each boot");
      await n1.waitForConsole(/daemon started/u);
      const entries = await Array.fromAsync(n1.journal({ service: "netloom" }));
      t.is(entries.filter(({ text }) => /daemon started/u.test(text)).length, 1, "the journal is of this boot alone");
      await n1.run(["ip", "link", "set", "eth0", "up"]);
      t.is(await n1.run(["cat", "/sys/class/net/eth0/carrier"]), "0\n");
    };
    await n1.writeFile("/run/probe", "of this boot");

    await step("the reset button", async () => {
      await checked((await n1.reboot()).bootId);
    });
    await step("reboot, in order", async () => {
      await checked((await n1.reboot("orderly")).bootId);
    });
    await step("a guest that restarts by itself, at once", async () => {
      const previous = await n1.ready();
      const running = t.throwsAsync(n1.exec(["sleep", "60"]), { message: /the guest was restarted/u });
      n1.start(["busybox", "reboot", "-f"]);
      await checked((await n1.ready(previous)).bootId);
      await running;
    });
    t.is(boots.size, 4);
  },
);
