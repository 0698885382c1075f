import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import test from "ava";
import { describeAccelerator } from "../harness/accel.ts";
import { Lab } from "../harness/lab.ts";
import { readCapture } from "../harness/pcapng-read.ts";
import { labOptions } from "../harness/test-lab.ts";

test("a node boots, answers without a network, is reset and started again, and leaves nothing behind", async (t) => {
  t.timeout(300_000);
  const options = await labOptions("boot-one-node");
  t.log(describeAccelerator(options.accel));
  const pids: number[] = [];
  {
    const topology = { networks: ["lan"], nodes: { n1: { nics: ["lan"], rtc: "2020-01-01T00:00:00" } } };
    await using lab = await Lab.start(topology, { ...options, log: (line) => t.log(line) });
    const node = lab.node("n1");
    pids.push(node.pid ?? 0);

    t.is((await node.run(["cat", "/sys/class/net/eth0/address"])).trim(), lab.link("n1.eth0").mac);
    await node.run(["ip", "link", "set", "eth0", "up"]);
    await node.until(
      "a frame of the guest",
      async () => (await lab.link("n1.eth0").counters()).fromGuest.frames || undefined,
    );
    await node.run(["ip", "link", "set", "eth0", "down"]);
    t.is(await node.run(["uname", "-s"]), "Linux\n");
    t.like(await node.exec(["sh", "-c", "echo no >&2; exit 7"]), { code: 7, stdout: "", stderr: "no\n" });
    await node.writeFile("/run/probe", "kept as it is\n", 0o600);
    t.is((await node.readFile("/run/probe")).toString(), "kept as it is\n");
    const slow = await t.throwsAsync(node.exec(["sleep", "60"], { timeoutMs: 200 }));
    t.regex(
      slow.message,
      /n1: "sleep 60" did not end within 0\.2 s[\s\S]*last console lines of n1[\s\S]*n1\.console\.log/,
    );

    // A clock that is years behind starts no earlier than the image, whose files all have the date of its build.
    const built = Number(await node.run(["stat", "-c", "%Y", "/usr/lib/netloom/netloom"]));
    t.true(Number(await node.run(["date", "+%s"])) >= built);

    const first = await node.run(["cat", "/proc/sys/kernel/random/boot_id"]);
    const again = await node.reboot();
    t.not(again.bootId, first.trim());
    await t.throwsAsync(node.readFile("/run/probe"), { message: /No such file/ });

    await node.crash();
    await t.throwsAsync(node.exec(["true"]), { message: /needs a running machine: QEMU was ended by SIGKILL/ });
    await node.boot();
    pids.push(node.pid ?? 0);
    await node.powerOff();
    t.false(node.running);
    t.truthy(await node.waitForConsole(/^-- QEMU ended with status 0$/));

    await lab.flush();
    const link = lab.link("n1.eth0");
    const captured = await readCapture(link.capture);
    t.is(
      captured.filter(({ direction }) => direction === "from-guest").length,
      (await link.counters()).fromGuest.frames,
    );
    t.deepEqual(lab.findings, []);
  }
  t.regex(await readFile(`${options.artifacts}/n1.console.log`, "utf8"), /RESET/);
  t.true(existsSync(`${options.artifacts}/topology.svg`));
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});
