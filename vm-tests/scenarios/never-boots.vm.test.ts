import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeInitramfs } from "../harness/initramfs.ts";
import { scenario } from "../harness/scenario.ts";

scenario(
  "a guest that never boots ends its lab in time, with what it said last and nothing left behind",
  { group: "smoke", expectedOnConsole: [/Kernel panic - not syncing: /u, /No working init found/u] },
  async ({ t, step, startLab, options }) => {
    const parts = options.image.parts ?? "";
    const hangs = await writeInitramfs(join(options.artifacts, "hangs"), {
      parts,
      init: "echo init: waiting for what never comes\nwhile :; do sleep 3600; done\n",
    });
    const noInit = join(options.artifacts, "no-init");
    await writeFile(noInit, "");
    const topology = {
      networks: ["lan"],
      nodes: {
        hangs: { nics: ["lan"], initrd: hangs },
        mute: { nics: ["lan"], initrd: hangs, agent: false, ready: /never said/u },
        noinit: { nics: ["lan"], initrd: noInit, cmdline: "panic=0" },
      },
    };
    const lab = await startLab(topology, { boot: [], bootTimeoutMs: 10_000 });
    const failures = new Map<string, string>();
    await step("none of them comes up", async () => {
      const boots = Object.keys(topology.nodes).map(async (name) => {
        const error = await t.throwsAsync(lab.boot([name]));
        failures.set(name, error.message);
      });
      await Promise.all(boots);
    });
    const pids = lab.nodes.map(({ pid }) => pid ?? 0);
    await lab[Symbol.asyncDispose]();

    await step("each error says what was waited for and what the console said last", () => {
      t.regex(failures.get("hangs") ?? "", /^hangs: waited .* for its agent after the start of QEMU\n/u);
      t.regex(failures.get("mute") ?? "", /^mute: waited .* for \/never said\/u on its console after the start/u);
      for (const name of ["hangs", "mute"])
        t.regex(failures.get(name) ?? "", /last console lines of \w+:\n[\s\S]*init: waiting for what never comes\n/u);
      // A kernel that cannot go on need not be waited for.
      t.regex(failures.get("noinit") ?? "", /^noinit: waiting for its agent .*: .*Kernel panic - not syncing: /u);
      for (const [name, message] of failures) t.regex(message, new RegExp(`see .*/${name}\\.console\\.log`, "u"));
    });
    await step("no machine, socket or directory is left", () => {
      for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: "ESRCH" });
      t.false(existsSync(lab.sockets));
    });
  },
);
