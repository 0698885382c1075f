import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { scenario } from "../harness/scenario.ts";

const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"] } } };

scenario(
  "a full disk on the host costs files, which are named, and neither the lab nor its guests",
  { group: "smoke" },
  async ({ t, step, startLab, options, skip }) => {
    const artifacts = join(options.artifacts, "small");
    await mkdir(artifacts);
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", artifacts], { encoding: "utf8" });
    if (mount.status !== 0) skip(`no small file system can be mounted here: ${mount.stderr.trim()}`);
    try {
      const said: string[] = [];
      const lab = await startLab(topology, { artifacts, log: (line) => said.push(line) });
      const [n1, link] = [lab.node("n1"), lab.link("n1.eth0")];
      let talks = 0;
      const talk = async (): Promise<void> => {
        const { fromGuest } = await link.counters();
        const last = `the end of talk ${++talks}`;
        // More than the rest of a page of either file.
        await n1.run(["sh", "-c", `(seq 1000 1999; echo ${last}) >/dev/console`]);
        await n1.exec(["ping", "-c", "8", "-i", "0.1", "-W", "1", "-s", "1400", "10.9.9.2"]);
        await n1.until(
          "eight frames",
          async () => (await link.counters()).fromGuest.frames >= fromGuest.frames + 8 || undefined,
        );
        await n1.waitForConsole(new RegExp(`^${last}$`, "u"));
      };
      await n1.run(["ip", "link", "set", "eth0", "up"]);
      await n1.run(["ip", "address", "add", "10.9.9.1/24", "dev", "eth0"]);
      await n1.run(["ip", "neigh", "add", "10.9.9.2", "lladdr", "02:00:00:00:00:02", "dev", "eth0"]);
      await step("while there is room every file is complete", async () => {
        await talk();
        await lab.flush();
      });
      await step("the disk is full", async () => {
        await t.throwsAsync(writeFile(join(artifacts, "filler"), Buffer.alloc(1 << 20)), { code: "ENOSPC" });
        await talk();
        t.is(await n1.run(["echo", "still here"]), "still here\n");
        // What waits to be written finds no room, and does not wait until there is some.
        await t.throwsAsync(lab.flush(), { message: /incomplete: ENOSPC/u });
      });
      await step("each file that lost something is named, with the reason, also when there is room again", async () => {
        await rm(join(artifacts, "filler"));
        await talk();
        const { message } = await t.throwsAsync(lab.flush());
        t.regex(message, /the capture .*\/n1\.eth0\.pcapng is incomplete: ENOSPC/u);
        t.regex(message, /the console log .*\/n1\.console\.log is incomplete: ENOSPC/u);
      });
      await step("the lab ends in order, and says so once more", async () => {
        const pid = n1.pid ?? 0;
        await n1.powerOff();
        await lab[Symbol.asyncDispose]();
        t.throws(() => process.kill(pid, 0), { code: "ESRCH" });
        t.false(existsSync(lab.sockets));
        t.regex(
          said.join("\n"),
          /n1\.eth0\.pcapng is incomplete: ENOSPC[\s\S]*n1\.console\.log is incomplete: ENOSPC/u,
        );
      });
    } finally {
      // Lazily: after a failure the lab still has files open there.
      execFileSync("umount", ["--lazy", artifacts]);
    }
  },
);
