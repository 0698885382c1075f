import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeAccelerator, describeSpeed, proveAccelerator } from "../harness/accel.ts";
import { scenario } from "../harness/scenario.ts";

scenario(
  "the accelerator is proven by a guest that boots, and measured by it",
  { group: "smoke" },
  async ({ t, step, options: { image, agent, accel, artifacts } }) => {
    await step("the verdict has what was seen, and is kept", async () => {
      t.deepEqual(await proveAccelerator({ kernel: image.vmlinux, agent }), accel);
      t.true(accel.bootSeconds !== undefined && accel.bootSeconds > 0);
      t.regex(
        accel.provenBy,
        accel.accel === "kvm" ? /booted with KVM in/u : /no \/dev\/kvm|did not boot with KVM: ./u,
      );
      return `${describeAccelerator(accel)}; ${describeSpeed(accel)}`;
    });
    await step("a kernel that does not boot proves nothing, however often it is asked", async () => {
      const kernel = join(artifacts, "no-kernel");
      await writeFile(kernel, "this is no kernel");
      for (const _ of [1, 2]) {
        await t.throwsAsync(proveAccelerator({ kernel, agent }), {
          message: /no guest boots on this machine: a probe guest did not boot with emulation: ./u,
        });
      }
    });
  },
);
