import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { scenario } from "../harness/scenario.ts";

const topology = { networks: [], nodes: { n1: { nics: [], screen: true }, blind: { nics: [] } } };
const signature = Buffer.from("89504e470d0a1a0a", "hex");

scenario(
  "a screendump shows what the guest's screen shows",
  { group: "full", topology, boot: ["n1"] },
  async ({ t, lab, node, step }) => {
    const n1 = node("n1");
    const dump = async (name: string): Promise<Buffer> => {
      const file = join(lab.artifacts, `${name}.png`);
      await n1.screendump(file);
      return await readFile(file);
    };
    // Else the kernel's own lines, and a cursor that blinks, would be what has changed.
    await n1.run(["sh", "-c", "echo 0 >/proc/sys/kernel/printk; printf '\\033[2J\\033[H\\033[?25l' >/dev/tty1"]);
    const empty = await step("an empty screen", async () => {
      const png = await dump("empty");
      t.deepEqual(png.subarray(0, 8), signature);
      t.true(png.readUInt32BE(16) >= 640 && png.readUInt32BE(20) >= 400, "the size of a screen");
      t.deepEqual(await dump("empty-again"), png);
      return png;
    });
    await step("text that the guest writes", async () => {
      await n1.run(["sh", "-c", "printf 'seen by nobody but screendump' >/dev/tty1"]);
      const png = await n1.until("another picture", async () => {
        const now = await dump("text");
        return now.equals(empty) ? undefined : now;
      });
      t.true(png.length > empty.length);
    });
    await step("a node without a screen says how it would get one", async () => {
      await t.throwsAsync(node("blind").screendump("/tmp/x.png"), {
        message: /needs a screen: give the node `screen: true`/u,
      });
    });
  },
);
