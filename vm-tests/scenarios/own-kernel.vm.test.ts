import { join } from "node:path";
import { writeInitramfs } from "../harness/index.ts";
import { scenario } from "../harness/scenario.ts";

// A shell script of busybox, process 1 of the guest. A daemon of your own is a file of `programs`.
const init = `
ip link set eth0 up
ip address add "$ADDRESS" dev eth0
if [ -x /extra/usr/lib/netloom-agent ]; then /extra/usr/lib/netloom-agent & fi
echo "mydaemon: up"
while :; do nc -ll -p 7 -e cat; done
`;

scenario(
  "a daemon is tested with a kernel and an initramfs of one's own, with the agent and without",
  {
    group: "smoke",
    topology: async (artifacts, { image }) => {
      const initrd = await writeInitramfs(join(artifacts, "initrd"), { parts: image.parts ?? "", init });
      const own = { nics: ["lan"], kernel: image.vmlinuz ?? image.vmlinux, initrd, ready: /mydaemon: up/u };
      return {
        networks: ["lan"],
        nodes: {
          client: { ...own, cmdline: "ADDRESS=10.0.0.1/24" },
          server: { ...own, cmdline: "ADDRESS=10.0.0.2/24 unknown_nmi_panic", agent: false },
        },
      };
    },
  },
  async ({ t, lab, node, step }) => {
    const client = node("client");
    const ask = ["nc", "-w", "5", "10.0.0.2", "7"];
    // Awaited, not slept for: a daemon says that it is up a little before or after it listens.
    const answer = (word: string): Promise<true> =>
      client.until(`the answer to "${word}"`, async () => {
        const { stdout } = await client.exec(ask, { stdin: word });
        return stdout === word || undefined;
      });
    await step("the daemon of the other machine answers", async () => {
      await answer("hello");
    });
    await step("the guest is what was asked for, and nothing of the image", async () => {
      t.regex(await client.run(["cat", "/proc/cmdline"]), /^console=ttyS0 .*ADDRESS=10\.0\.0\.1\/24\n$/u);
      t.is((await client.exec(["ls", "/etc", "/usr/lib/netloom"])).code, 1);
    });
    await step("a silent loss of its link, and its end", async () => {
      await lab.setLink("server.eth0", { blackhole: true });
      t.is((await client.exec(ask, { stdin: "lost" })).stdout, "");
      await lab.setLink("server.eth0", {});
      await answer("again");
    });
    await step("a panic and a reset", async () => {
      await node("server").crash();
      await node("server").reboot();
      await answer("restarted");
    });
    await step("what a guest does not have is named", async () => {
      await client.run(["rm", "/bin/reboot"]);
      await t.throwsAsync(client.reboot("orderly"), { message: /"reboot" in the guest failed: .*No such file/u });
      await t.throwsAsync(node("server").exec(["true"]), {
        message: /exec needs an agent in the guest.*agent: false/u,
      });
      const journal = Array.fromAsync(client.journal());
      await t.throwsAsync(journal, { message: /it keeps no journal that the harness can read/u });
    });
  },
);
