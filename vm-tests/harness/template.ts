import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pipeline } from "node:stream/promises";
import { cached } from "../../scripts/lib/cache.ts";
import { type BootSource, ownBoot } from "./boot-source.ts";
import { ConsoleLog } from "./console-log.ts";
import type { Machine } from "./qemu.ts";
import type { Qmp } from "./qmp.ts";
import type { NodeSpec } from "./topology.ts";
import { Vm } from "./vm.ts";

/** What all clones of a template have in common. */
export type TemplateShape = Pick<Machine, "accel" | "cmdline" | "memory"> & {
  readonly kernel: string;
  readonly initrd: string;
  readonly nics: number;
};

/** A guest that was stopped in its early stage, before it had a name, a driver of a NIC, a key or a service. */
export type Template = {
  /** Its memory, shared by all clones, which write to none of it. */
  readonly ram: string;
  /** State of its devices. */
  readonly state: string;
  /** What its console said while it booted. */
  readonly console: string;
  /** True when it was there before. */
  readonly hit: boolean;
};

/** Words of the command line that programs read, and not the kernel: the kernel of a clone has started long ago. */
const forPrograms =
  /^(?:netloom\.|(?:ip|nameserver|vlan|bond|bridge|ifname|bootdev|BOOTIF|rd\.route|pub:mac|noautonic)=|vlan:)/u;

/** The template that a node can start from; none when something of it must be there when the kernel starts. */
export function shapeOf(
  spec: NodeSpec,
  { kernel, initrd, ...base }: BootSource & Pick<Machine, "accel" | "memory">,
): TemplateShape | undefined {
  if (kernel === undefined || initrd === undefined || ownBoot(spec) || !canBeCloned(spec)) return undefined;
  return { ...base, kernel, initrd, nics: spec.nics.length };
}

function canBeCloned({ boot, agent, screen, disk, rtc, fwCfg = {}, cmdline = "" }: NodeSpec): boolean {
  if (boot === "cold" || agent === false || screen === true) return false;
  if (disk !== undefined || rtc !== undefined || Object.keys(fwCfg).length > 0) return false;
  return cmdline
    .split(/\s+/u)
    .filter(Boolean)
    .every((word) => forPrograms.test(word));
}

/** How long a template may take to boot and to be warmed. */
const bootMs = 120_000;

/**
 * Loads what every node needs soon, so that clones find it in their page cache rather than unpack it each: no identity is in it.
 * Its NICs are taken from their driver: a device gets its address when its bus finds it anew, and a clone has addresses of its
 * own (vm-tests/agent/src/identity.rs).
 */
const warmUp = `
modprobe -a wireguard bridge veth nf_tables nft_ct nft_masq nft_reject_inet
for nic in /sys/bus/pci/devices/*; do
    case $(cat "$nic/class") in 0x02*) echo "\${nic##*/}" >"$nic/driver/unbind" ;; esac
done
netloom --version`;

/**
 * The template of a shape, booted once and kept by content; callers at the same time wait for one maker.
 * The order of QMP commands is that of QEMU's docs/devel/migration: a stopped guest is migrated into a file, without its memory.
 */
export async function ensureTemplate(shape: TemplateShape, timeoutMs: number = bootMs): Promise<Template> {
  const entry = await cached(
    "lab-template",
    await shapeHash(shape),
    (directory) => make(shape, directory, timeoutMs),
    4,
  );
  const file = (name: string): string => join(entry.dir, name);
  return { ram: file("ram"), state: file("state"), console: file("console.log"), hit: entry.hit };
}

/** Starts a guest from the state of its template; it goes on where that was stopped. */
export async function loadTemplate(qmp: Qmp, state: string): Promise<void> {
  await ignoreSharedMemory(qmp);
  await qmp.execute("migrate-incoming", { uri: `file:${state}` });
  await completed(qmp);
}

async function make(shape: TemplateShape, directory: string, timeoutMs: number): Promise<void> {
  const ram = join(directory, "ram");
  await using console = new ConsoleLog(join(directory, "console.log"));
  const early = Promise.withResolvers<void>();
  const machine: Machine = {
    ...shape,
    name: "template",
    nics: Array.from({ length: shape.nics }, (_, index) => ({ mac: `52:54:00:00:00:0${index}` })),
    fwCfg: {},
    ram: { file: ram, of: "template" },
  };
  await using vm = new Vm(
    machine,
    console,
    () => {},
    () => Promise.resolve(early.resolve()),
  );
  const gone = vm.ended.then((how) => {
    throw new Error(`the template of this lab did not come up: ${how}\n${console.tail().join("\n")}`);
  });
  const late = AbortSignal.timeout(timeoutMs);
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener("abort", () =>
      reject(
        new Error(
          `the template of this lab did not come up within ${timeoutMs / 1000} s\n${console.tail().join("\n")}`,
        ),
      ),
    );
  });
  const made = async (): Promise<void> => {
    await early.promise;
    const { code, stderr } = await vm.agent.exec(["/bin/sh", "-c", warmUp], { env: guestPath });
    if (process.env["W4"])
      console.note(
        (await vm.agent.exec(["/bin/sh", "-c", "head -12 /proc/meminfo"], { env: guestPath })).stdout.replaceAll(
          "\n",
          " ",
        ),
      );
    if (code !== 0) throw new Error(`warming the template of this lab failed: ${stderr.trim()}`);
    await vm.qmp.execute("stop");
    await ignoreSharedMemory(vm.qmp);
    await vm.qmp.execute("migrate", { uri: `file:${join(directory, "state")}` });
    await completed(vm.qmp);
  };
  await Promise.race([made(), gone, tooLate]);
}

/** Where programs are in the early stage, which has no environment. */
const guestPath = { PATH: "/usr/sbin:/usr/bin" };

async function ignoreSharedMemory(qmp: Qmp): Promise<void> {
  const capabilities = [{ capability: "x-ignore-shared", state: true }];
  await qmp.execute("migrate-set-capabilities", { capabilities });
}

/** Waits for the end of a migration, which takes some milliseconds and for whose end QEMU has an event only on request. */
async function completed(qmp: Qmp): Promise<void> {
  for (;;) {
    const { status, "error-desc": why } = (await qmp.execute("query-migrate")) as {
      status?: string;
      "error-desc"?: string;
    };
    if (status === "completed") return;
    if (status === "failed" || status === "cancelled")
      throw new Error(`QEMU could not save or load a template: ${why ?? status}`);
    await delay(5);
  }
}

async function shapeHash({ kernel, initrd, ...rest }: TemplateShape): Promise<string> {
  const version = spawnSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" }).stdout ?? "";
  const hash = createHash("sha256").update(version).update(JSON.stringify(rest)).update(warmUp);
  for (const file of [kernel, initrd]) await pipeline(createReadStream(file), hash, { end: false });
  return hash.digest("hex").slice(0, 16);
}
