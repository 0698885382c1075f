import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached } from "../../scripts/lib/cache.ts";
import { fingerprint } from "../../scripts/lib/fingerprint.ts";
import { cpioArchive, cpioModes } from "../../scripts/lib/cpio.ts";
import { processorSeconds } from "./proc-stat.ts";
import { qemuVersion } from "./qemu-version.ts";
import type { Accelerator } from "./qemu.ts";

/** Which accelerator labs use, why, and how fast guests are with it. */
export type AccelVerdict = {
  readonly accel: Accelerator;
  /** For people: "a probe guest booted with KVM in 0.9 s", or why not. */
  readonly provenBy: string;
  /** Processor seconds that the probe guest took to its first line with this accelerator: what timeouts are scaled by. */
  readonly bootSeconds?: number;
};

/** The verdict in one line: "software emulation (tcg): this machine has no /dev/kvm". */
export function describeAccelerator({ accel, provenBy }: AccelVerdict): string {
  return `${accel === "kvm" ? "KVM" : "software emulation (tcg)"}: ${provenBy}`;
}

/** How fast guests are, in one line; empty when that was not measured. */
export function describeSpeed({ bootSeconds }: AccelVerdict): string {
  return bootSeconds === undefined ? "" : `a probe guest boots in ${bootSeconds.toFixed(1)} processor seconds`;
}

/** All that the answer depends on. */
type ProbeInput = { readonly kernel: string; readonly agent: string };

/** A guest that runs at all prints its first line at once; one that hangs need not be waited for to the end. */
const limits = { kvm: { wholeMs: 10_000, silenceMs: 4000 }, tcg: { wholeMs: 120_000, silenceMs: 60_000 } } as const;

/**
 * Decides between KVM and emulation by booting: /dev/kvm may exist, open and even run firmware while a stock kernel hangs. The
 * probe guest is the kernel of the image with the agent alone as its first process, which prints our token and powers off. Where
 * KVM does not do, emulation is measured with the same guest. The verdict is kept for this boot of the host, this QEMU and this
 * kernel. @throws when no guest boots at all.
 */
export async function proveAccelerator(input: ProbeInput): Promise<AccelVerdict> {
  const entry = await cached("accel", await probeHash(input), async (directory) => {
    await writeFile(join(directory, "verdict.json"), JSON.stringify(await probe(input)));
  });
  return JSON.parse(await readFile(join(entry.dir, "verdict.json"), "utf8")) as AccelVerdict;
}

async function probeHash({ kernel, agent }: ProbeInput): Promise<string> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  // The last word is the form of the verdict.
  const hash = createHash("sha256")
    .update(qemuVersion())
    .update(boot)
    .update(`${existsSync("/dev/kvm")} speed`);
  for (const file of [kernel, agent]) hash.update(await fingerprint(file));
  return hash.digest("hex").slice(0, 16);
}

async function probe({ kernel, agent }: ProbeInput): Promise<AccelVerdict> {
  const directory = await mkdtemp(join(tmpdir(), "netloom-probe-"));
  try {
    const initrd = join(directory, "initrd");
    const init = { path: "init", mode: cpioModes.program, data: await readFile(agent) };
    await writeFile(initrd, Buffer.concat([...cpioArchive([init])]));
    if (!existsSync("/dev/kvm"))
      return { ...(await emulated(kernel, initrd)), provenBy: "this machine has no /dev/kvm" };
    const kvm = await bootProbe("kvm", kernel, initrd);
    if ("bootSeconds" in kvm) {
      const provenBy = `a probe guest booted with KVM in ${kvm.wallSeconds.toFixed(1)} s`;
      return { accel: "kvm", provenBy, bootSeconds: kvm.bootSeconds };
    }
    const provenBy = `a probe guest did not boot with KVM: ${kvm.never}`;
    return { ...(await emulated(kernel, initrd)), provenBy };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function emulated(kernel: string, initrd: string): Promise<Omit<AccelVerdict, "provenBy">> {
  const outcome = await bootProbe("tcg", kernel, initrd);
  if ("bootSeconds" in outcome) return { accel: "tcg", bootSeconds: outcome.bootSeconds };
  throw new Error(`no guest boots on this machine: a probe guest did not boot with emulation: ${outcome.never}`);
}

type Booted = { readonly bootSeconds: number; readonly wallSeconds: number };
type Never = { readonly never: string };

/** Boots the probe guest and judges what it says. */
function bootProbe(accel: Accelerator, kernel: string, initrd: string): Promise<Booted | Never> {
  const token = randomBytes(8).toString("hex");
  const cmdline = `console=ttyS0 earlyprintk=serial,ttyS0 panic=-1 NETLOOM_PROBE=${token}`;
  const argv = ["-nodefaults", "-no-user-config", "-machine", "q35", "-accel", accel, "-m", "256", "-no-reboot"];
  argv.push("-cpu", accel === "kvm" ? "host" : "max", "-display", "none");
  argv.push("-chardev", "stdio,id=c,signal=off", "-serial", "chardev:c");
  argv.push("-kernel", kernel, "-initrd", initrd, "-append", cmdline);
  const started = performance.now();
  const child = spawn("qemu-system-x86_64", argv, { stdio: ["ignore", "pipe", "pipe"] });
  const { promise, resolve } = Promise.withResolvers<Booted | Never>();
  let said = "";
  let complaint = "";
  const seconds = (): number => (performance.now() - started) / 1000;
  const conclude = (outcome: Booted | Never): void => {
    clearTimeout(limit);
    clearTimeout(silence);
    child.kill("SIGKILL");
    resolve(outcome);
  };
  const never = (why: string): void => conclude({ never: why });
  const { wholeMs, silenceMs } = limits[accel];
  const limit = setTimeout(() => never(`no answer within ${wholeMs / 1000} s`), wholeMs);
  const silence = setTimeout(() => never(`its console was silent for ${silenceMs / 1000} s`), silenceMs);
  child.stdout.on("data", (chunk: Buffer) => {
    clearTimeout(silence);
    said += chunk.toString("latin1");
    if (!said.includes(`netloom-probe ${token}`)) return;
    const wallSeconds = seconds();
    conclude({ wallSeconds, bootSeconds: processorSeconds(child.pid) ?? wallSeconds });
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.on("error", (error) => never(error.message));
  child.on("close", (code) =>
    never(complaint.trim().split("\n")[0] || `QEMU ended with status ${code} after ${seconds().toFixed(1)} s`),
  );
  return promise;
}
