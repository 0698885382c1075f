import { scenario } from "../harness/scenario.ts";
import { segfaultingProgram } from "./segfaulting-program.ts";

const expectedOfTame = [/tame\[\d+\]: segfault/u, /WARNING: CPU: 0 PID: 7 at tame/u];
const topology = { networks: [], nodes: { n1: { nics: [], expectedOnConsole: expectedOfTame } } };

scenario(
  "a segmentation fault, a want of memory and a kernel warning are findings; expected lines are not",
  { group: "smoke", topology, expectedOnConsole: [/./u] },
  async ({ t, lab, node, step }) => {
    const n1 = node("n1");
    const found = (): readonly string[] => lab.findings.map(({ rule }) => rule);
    const program = segfaultingProgram();
    await n1.writeFile("/tmp/wild", program, 0o755);
    await n1.writeFile("/tmp/tame", program, 0o755);
    const warn = (where: string): Promise<string> =>
      n1.run(["sh", "-c", `echo '<4>WARNING: CPU: 0 PID: 7 at ${where}/dev.c:1 probe+0x1/0x2' >/dev/kmsg`]);
    t.deepEqual(found(), []);

    await step("what the node was told to expect breaks no rule", async () => {
      t.is((await n1.exec(["/tmp/tame"])).signal, 11);
      await n1.waitForConsole(/tame\[\d+\]: segfault/u);
      await warn("tame");
      await n1.waitForConsole(/PID: 7 at tame/u);
      t.deepEqual(found(), []);
    });
    await step("a segmentation fault", async () => {
      t.is((await n1.exec(["/tmp/wild"])).signal, 11);
      await n1.waitForConsole(/wild\[\d+\]: segfault/u);
      t.deepEqual(found(), ["segmentation fault"]);
    });
    await step("a kernel warning", async () => {
      await warn("net/core");
      await n1.waitForConsole(/PID: 7 at net/u);
      t.deepEqual(found(), ["segmentation fault", "kernel warning"]);
    });
    await step("a process that was killed for want of memory", async () => {
      const group = "/sys/fs/cgroup/small";
      const script = `mkdir ${group}; echo 8M >${group}/memory.max; echo $$ >${group}/cgroup.procs; exec tail /dev/zero`;
      t.is((await n1.exec(["sh", "-c", script])).signal, 9);
      await n1.waitForConsole(/Memory cgroup out of memory: Killed process/u);
      t.true(
        found()
          .slice(2)
          .every((rule) => rule === "out of memory") && found().length > 2,
        found().join(),
      );
    });
    await step("what the kernel and our programs say when they break", async () => {
      const before = found().length;
      const broken = [
        "<1>Oops: 0002 [#1] PREEMPT SMP NOPTI",
        "<0>BUG: unable to handle page fault for address: ffffc90000a00000",
        "<3>EXT4-fs error (device vda): ext4_lookup:1858: inode #2",
      ];
      for (const line of broken) await n1.run(["sh", "-c", `echo '${line}' >/dev/kmsg`]);
      await n1.run(["sh", "-c", "echo '    at reconcile (/usr/lib/netloom/netloom:3120:14)' >/dev/console"]);
      await n1.waitForConsole(/at reconcile/u);
      const rules = ["kernel oops", "kernel bug", "file system error", "stack trace of netloom"];
      t.deepEqual(found().slice(before), rules);
    });
    await step("each finding has its node and the line itself", () => {
      t.deepEqual([...new Set(lab.findings.map((finding) => finding.node))], ["n1"]);
      t.regex(lab.findings[0]?.line ?? "", /wild\[\d+\]: segfault at 0 ip/u);
    });
  },
);
