import { scenario } from "../harness/scenario.ts";

const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"] } } };
const panic = /Kernel panic - not syncing: sysrq triggered crash/u;

scenario(
  "a kernel that panics is told from a power cut and from a panic that was asked for; the node boots again after each",
  { group: "smoke", topology, expectedOnConsole: [panic] },
  async ({ t, lab, node, step }) => {
    const n1 = node("n1");
    // The image waits ten seconds, for people who read a screen.
    const hurry = (): Promise<string> => n1.run(["sh", "-c", "echo 1 >/proc/sys/kernel/panic"]);
    await hurry();
    const first = await n1.ready();

    const second = await step("a panic that nobody asked for ends what ran, and is a finding", async () => {
      const running = n1.exec(["sh", "-c", "sleep 1; echo c >/proc/sysrq-trigger; sleep 60"]);
      const error = await t.throwsAsync(running);
      t.regex(
        error.message,
        /^n1: "sh .*" in the guest failed: the kernel of the guest panicked: .*sysrq triggered crash/u,
      );
      t.regex(error.message, /last console lines of n1:[\s\S]*Kernel panic - not syncing/u);
      const next = await n1.ready();
      t.not(next.bootId, first.bootId);
      t.like(lab.findings, [{ node: "n1", rule: "kernel panic" }]);
      t.regex(lab.findings[0]?.line ?? "", panic);
      return next;
    });
    await step("crash() makes it panic, which is no finding", async () => {
      await hurry();
      await n1.crash();
      t.not((await n1.ready()).bootId, second.bootId);
      t.is(lab.findings.length, 1);
    });
    await step("without power it does not answer; it is started again and shut down", async () => {
      const before = await n1.ready();
      await n1.powerCut();
      await t.throwsAsync(n1.exec(["true"]), { message: /needs a running machine: QEMU was ended by SIGKILL/u });
      t.not((await n1.boot()).bootId, before.bootId);
      await n1.powerOff();
      t.false(n1.running);
      t.truthy(await n1.waitForConsole(/^-- QEMU ended with status 0$/u));
    });
  },
);
