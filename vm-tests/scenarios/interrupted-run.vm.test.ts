import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { scenario } from "../harness/scenario.ts";
import { processesOf } from "./processes.ts";

const signals = ["SIGKILL", "SIGTERM", "SIGINT"] as const;

scenario(
  "a run that is interrupted leaves no machine, switch, socket or directory",
  { group: "smoke", timeoutMs: 120_000 },
  async ({ t, step, options }) => {
    const { onEvent: _onEvent, log: _log, ...plain } = options;
    const program = fileURLToPath(new URL("interrupted-run-owner.ts", import.meta.url));
    for (const signal of signals) {
      await step(`it ends by ${signal}`, async () => {
        const owner = fork(program, [JSON.stringify(plain)], { execArgv: [], stdio: "inherit" });
        const [work] = (await once(owner, "message")) as [string];
        const running = await until(async () => {
          const found = await processesOf(work);
          // What binds it to its owner has become QEMU, and the switch runs.
          const both =
            found.some((line) => line.startsWith("qemu-system")) && found.some((line) => line.includes("switch-main"));
          return both ? found : undefined;
        });
        t.is(running.length, 2, running.join("\n"));
        const ended = once(owner, "exit");
        owner.kill(signal);
        await ended;
        await until(async () => ((await processesOf(work)).length === 0 && !existsSync(work) ? true : undefined));
      });
    }
    await step("it ends while a template is made", async () => {
      const memory = String(300 + Math.floor(Math.random() * 80));
      const owner = fork(program, [JSON.stringify(plain), memory], { execArgv: [], stdio: "inherit" });
      const [work] = (await once(owner, "message")) as [string];
      // Where `cached` makes what is not there yet.
      const place = new RegExp(`[^=,\\0]*/\\.making-[0-9a-f]+-${owner.pid}(?=/ram)`, "u");
      const making = await until(async () => place.exec((await processesOf("/ram,share=on")).join("\0"))?.[0]);
      owner.kill("SIGKILL");
      await once(owner, "exit");
      await until(async () => ((await processesOf(making)).length === 0 && !existsSync(work) ? true : undefined));
      // The next maker of the same template would remove it; there will be none.
      await rm(making, { recursive: true });
    });
  },
);

async function until<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await attempt();
    if (value !== undefined) return value;
    await delay(20);
  }
}
