import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { cached } from "../../scripts/lib/cache.ts";
import { cpioArchive, cpioModes } from "../../scripts/lib/cpio.ts";
import type { Accelerator } from "./qemu.ts";

/** Which accelerator labs use, and why. */
export type AccelVerdict = {
  readonly accel: Accelerator;
  /** For people: "a probe guest booted with KVM in 0.9 s", or why not. */
  readonly provenBy: string;
};

/** The verdict in one line: "software emulation (tcg): this machine has no /dev/kvm". */
export function describeAccelerator({ accel, provenBy }: AccelVerdict): string {
  return `${accel === "kvm" ? "KVM" : "software emulation (tcg)"}: ${provenBy}`;
}

/** All that the answer depends on. */
type ProbeInput = { readonly kernel: string; readonly agent: string };

const limitMs = 10_000;
/** A guest that runs at all prints its first line at once; one that hangs need not be waited for to the end. */
const silenceMs = 4000;

/**
 * Decides between KVM and emulation by booting: /dev/kvm may exist, open and even run firmware while a stock kernel hangs. The
 * probe guest is the kernel of the image with the agent alone as its first process, which prints our token and powers off. The
 * verdict is kept for this boot of the host, this QEMU and this kernel.
 */
export async function proveAccelerator(input: ProbeInput): Promise<AccelVerdict> {
  if (!existsSync("/dev/kvm")) return { accel: "tcg", provenBy: "this machine has no /dev/kvm" };
  const entry = await cached("accel", await probeHash(input), async (directory) => {
    await writeFile(join(directory, "verdict.json"), JSON.stringify(await probe(input)));
  });
  return JSON.parse(await readFile(join(entry.dir, "verdict.json"), "utf8")) as AccelVerdict;
}

async function probeHash({ kernel, agent }: ProbeInput): Promise<string> {
  const version = spawnSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" }).stdout ?? "";
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  const hash = createHash("sha256").update(version).update(boot);
  for (const file of [kernel, agent]) await pipeline(createReadStream(file), hash, { end: false });
  return hash.digest("hex").slice(0, 16);
}

async function probe({ kernel, agent }: ProbeInput): Promise<AccelVerdict> {
  const directory = await mkdtemp(join(tmpdir(), "netloom-probe-"));
  try {
    const initrd = join(directory, "initrd");
    const init = { path: "init", mode: cpioModes.program, data: await readFile(agent) };
    await writeFile(initrd, Buffer.concat([...cpioArchive([init])]));
    return await bootProbe(kernel, initrd);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Boots the probe guest with KVM and judges what it says. */
function bootProbe(kernel: string, initrd: string): Promise<AccelVerdict> {
  const token = randomBytes(8).toString("hex");
  const cmdline = `console=ttyS0 earlyprintk=serial,ttyS0 panic=-1 NETLOOM_PROBE=${token}`;
  const argv = [
    "-nodefaults",
    "-no-user-config",
    "-machine",
    "q35",
    "-accel",
    "kvm",
    "-cpu",
    "host",
    "-m",
    "256",
    "-no-reboot",
  ];
  argv.push("-display", "none", "-chardev", "stdio,id=c,signal=off", "-serial", "chardev:c");
  argv.push("-kernel", kernel, "-initrd", initrd, "-append", cmdline);
  const started = performance.now();
  const child = spawn("qemu-system-x86_64", argv, { stdio: ["ignore", "pipe", "pipe"] });
  const { promise, resolve } = Promise.withResolvers<AccelVerdict>();
  let said = "";
  let complaint = "";
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(1);
  const conclude = (accel: Accelerator, provenBy: string): void => {
    clearTimeout(limit);
    clearTimeout(silence);
    child.kill("SIGKILL");
    resolve({ accel, provenBy });
  };
  const never = (why: string): void => conclude("tcg", `a probe guest did not boot with KVM: ${why}`);
  const limit = setTimeout(() => never(`no answer within ${limitMs / 1000} s`), limitMs);
  const silence = setTimeout(() => never(`its console was silent for ${silenceMs / 1000} s`), silenceMs);
  child.stdout.on("data", (chunk: Buffer) => {
    clearTimeout(silence);
    said += chunk.toString("latin1");
    if (said.includes(`netloom-probe ${token}`)) conclude("kvm", `a probe guest booted with KVM in ${seconds()} s`);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.on("error", (error) => never(error.message));
  child.on("close", (code) =>
    never(complaint.trim().split("\n")[0] || `QEMU ended with status ${code} after ${seconds()} s`),
  );
  return promise;
}
