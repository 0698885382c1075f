import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test from "ava";
import { labOptions } from "../harness/test-lab.ts";

const signals = ["SIGKILL", "SIGTERM", "SIGINT"] as const;

for (const signal of signals) {
  test.serial(`a run that ends by ${signal} leaves no machine, switch, socket or directory`, async (t) => {
    t.timeout(60_000);
    const options = await labOptions("interrupted-run");
    const program = fileURLToPath(new URL("interrupted-run-owner.ts", import.meta.url));
    const owner = fork(program, [JSON.stringify(options)], { execArgv: [], stdio: "inherit" });
    const [work] = (await once(owner, "message")) as [string];
    const running = await until(async () => {
      const found = await processesOf(work);
      // setpriv has become QEMU, and the switch runs.
      return found.some((line) => line.includes("qemu-system")) && found.some((line) => line.includes("switch-main"))
        ? found
        : undefined;
    });
    t.is(running.length, 2, running.join("\n"));
    const ended = once(owner, "exit");
    owner.kill(signal);
    await ended;
    await until(async () => ((await processesOf(work)).length === 0 && !existsSync(work) ? true : undefined));
    t.pass();
  });
}

/** Command lines of the processes that were told a directory. */
async function processesOf(directory: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/u.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.includes(directory));
}

async function until<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await attempt();
    if (value !== undefined) return value;
    await delay(20);
  }
}
