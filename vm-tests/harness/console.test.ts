import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { ConsoleLog } from "./console-log.ts";
import { judgeLine } from "./console-rules.ts";

const broken = {
  "kernel panic": "[    1.94] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
  "kernel oops": "[    3.10] Oops: 0002 [#1] PREEMPT SMP NOPTI",
  "kernel bug": "[    3.10] BUG: unable to handle page fault for address: ffffc90000a00000",
  "kernel warning": "[    9.0] WARNING: CPU: 0 PID: 12 at net/core/dev.c:3264 skb_warn_bad_offload+0x80/0xf0",
  "out of memory": "[   20.1] Out of memory: Killed process 211 (netloom) total-vm:74000kB",
  "segmentation fault": "[   20.1] dnsmasq[99]: segfault at 0 ip 00005594 sp 00007ffc error 4 in dnsmasq",
  lockup: "[   60.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [netloom:80]",
  "Rust panic": "thread '<unnamed>' (81) panicked at native/net/src/link.rs:40:9:",
  "stack trace of netloom": "      at reconcile (/$bunfs/root/netloom:3120:14)",
} as const;

test("finds every kind of breakage in a console line", (t) => {
  for (const [rule, line] of Object.entries(broken)) {
    const found = judgeLine(line)?.rule;
    // A lockup is reported as a bug too.
    t.true(found === rule || (rule === "lockup" && found === "kernel bug"), `${line}: ${found}`);
  }
});

test("leaves healthy lines and those a test provokes alone", (t) => {
  for (const line of [
    "[    0.0] Command line: console=ttyS0 panic=1 oops=panic",
    "netloom: online eth0 192.168.50.101/24 at 6.1 s",
    "[    0.6] RAS: Correctable Errors collector initialized.",
    "look at the panel",
  ]) {
    t.is(judgeLine(line), undefined, line);
  }
  t.is(judgeLine(broken["kernel panic"], [/sysrq|Attempted to kill init/]), undefined);
});

test("goes on when its file takes nothing more, and says so whenever it is asked", async (t) => {
  await using log = new ConsoleLog("/dev/full");
  log.push(Buffer.from("lost in the file\n"));
  for (const _again of [1, 2]) {
    await t.throwsAsync(log.flush(), { message: /the console log \/dev\/full is incomplete: ENOSPC/ });
  }
  t.deepEqual(log.tail(1), ["lost in the file"]);
});

test("what was provoked may be said again until the next boot, and no longer", (t) => {
  const log = new ConsoleLog("/dev/null");
  log.expect(/Attempted to kill init/);
  log.note(broken["kernel panic"]);
  log.note("[    1.99] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---");
  t.deepEqual(log.findings, []);
  log.startBoot();
  log.note(broken["kernel panic"]);
  t.deepEqual(
    log.findings.map(({ rule }) => rule),
    ["kernel panic"],
  );
});

test("the end of a failure shows why the kernel gave up, however much it said behind that", (t) => {
  const log = new ConsoleLog("/dev/null");
  const trace = Array.from({ length: 40 }, (_unused, index) => `[    1.95]  ? frame_${index}+0x0/0x1`);
  // All of it at once: so it comes where nobody read for a moment.
  log.push(Buffer.from(`${["early", broken["kernel panic"], ...trace].join("\n")}\n`));
  t.deepEqual(log.ending(5), [broken["kernel panic"], "…", ...trace.slice(-3)]);
  t.deepEqual(log.ending(41), [broken["kernel panic"], ...trace]);
});

test("writes the console with seconds, without colours, and keeps its end and its findings", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "netloom-console-"));
  const file = join(directory, "n1.console.log");
  {
    await using log = new ConsoleLog(file);
    const waiting = log.waitFor(/ready \d/, AbortSignal.timeout(10_000));
    log.push(Buffer.from("\u001B[0;32mfirst\u001B[0m\r\nsec"));
    log.push(Buffer.from(`ond\nready 7\n${broken["kernel oops"]}\nno line end`));
    t.is(await waiting, "ready 7");
    t.is(await log.waitFor(/^first$/, AbortSignal.timeout(1)), "first");
    log.note("reset");
    t.deepEqual(log.tail(3), [broken["kernel oops"], "no line end", "-- reset"]);
    t.deepEqual(log.findings, [{ rule: "kernel oops", line: broken["kernel oops"] }]);
  }
  const written = await readFile(file, "utf8");
  await rm(directory, { recursive: true });
  t.regex(written, /^\[ +\d+\.\d{3}\] first\n\[ +\d+\.\d{3}\] second\n/);
});
