import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cached } from "../../scripts/lib/cache.ts";
import { fingerprint } from "../../scripts/lib/fingerprint.ts";
import { type BootSource, ownBoot } from "./boot-source.ts";
import { ConsoleLog } from "./console-log.ts";
import type { Accelerator, Machine } from "./qemu.ts";
import { qemuVersion } from "./qemu-version.ts";
import type { Qmp } from "./qmp.ts";
import { enterTemplate, templateRecipe, warmTemplate } from "./template-guest.ts";
import { Deadline } from "./timeout.ts";
import type { NodeSpec } from "./topology.ts";
import { Vm } from "./vm.ts";

/** What all clones of a template have in common. */
export type TemplateShape = Pick<Machine, "accel" | "cmdline" | "memory"> & {
  readonly kernel: string;
  readonly initrd: string;
  readonly nics: number;
};

/** A guest that was stopped before it had a name, a NIC, a key or a service of a node. */
export type Template = {
  /** Its memory, shared by all clones, which write to none of it. */
  readonly ram: string;
  /** State of its devices. */
  readonly state: string;
  /** What its console said while it booted. */
  readonly console: string;
};

/**
 * Words of the command line that programs read, and not the kernel: the kernel of a clone has started long ago. The supervisor
 * runs in the template already.
 */
const forPrograms =
  /^(?:netloom\.(?!supervisor=)|(?:ip|nameserver|vlan|bond|bridge|ifname|bootdev|BOOTIF|rd\.(?:route|peerdns|bootif)|pub:mac|noautonic)=|vlan:)/u;

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

/** Milliseconds that a template may take to boot, scaled like every timeout. */
const bootMs = 120_000;

/**
 * The template of a shape, booted once and kept by content; callers at the same time wait for one maker.
 * `patience` is what timeouts are multiplied by at this moment. The order of QMP commands is that of QEMU's docs/devel/migration: a
 * stopped guest is migrated into a file, without its memory.
 */
export async function ensureTemplate(shape: TemplateShape, patience: () => number): Promise<Template> {
  const entry = await cached(
    "lab-template",
    await shapeHash(shape),
    (directory) => make(shape, directory, patience),
    4,
  );
  const file = (name: string): string => join(entry.dir, name);
  return { ram: file("ram"), state: file("state"), console: file("console.log") };
}

/** Starts a guest from the state of its template; it goes on where that was stopped. */
export async function loadTemplate(qmp: Qmp, state: string): Promise<void> {
  await ignoreSharedMemory(qmp);
  // Else QEMU would announce the guest's addresses on its links by RARP, as after a move to another host.
  await qmp.execute("migrate-set-parameters", { "announce-rounds": 0 });
  await qmp.execute("migrate-incoming", { uri: `file:${state}` });
  await completed(qmp);
}

async function make(shape: TemplateShape, directory: string, patience: () => number): Promise<void> {
  const ram = join(directory, "ram");
  await using console = new ConsoleLog(join(directory, "console.log"));
  const machine: Machine = {
    ...shape,
    name: "template",
    nics: Array.from({ length: shape.nics }, (_, index) => ({ mac: `52:54:00:00:00:0${index}` })),
    fwCfg: {},
    ram: { file: ram, of: "template" },
  };
  await using vm = new Vm(machine, console, () => {}, enterTemplate);
  using deadline = new Deadline(bootMs, patience);
  const gone = vm.ended.then((how) => {
    throw new Error(how);
  });
  const made = async (): Promise<void> => {
    await vm.agent.greeting(deadline.signal);
    await warmTemplate(vm.agent);
    await vm.qmp.execute("stop");
    await ignoreSharedMemory(vm.qmp);
    await vm.qmp.execute("migrate", { uri: `file:${join(directory, "state")}` });
    await completed(vm.qmp);
  };
  try {
    await Promise.race([made(), gone]);
  } catch (error) {
    const why = deadline.signal.aborted ? `no agent after ${deadline.waited}` : String(error);
    throw new Error(`the template of this lab did not come up: ${why}\n${console.tail().join("\n")}`, { cause: error });
  }
}

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
  const hash = createHash("sha256")
    .update(machineVersion(rest.accel))
    .update(JSON.stringify(rest))
    .update(templateRecipe);
  for (const file of [kernel, initrd]) hash.update(await fingerprint(file));
  return hash.digest("hex").slice(0, 16);
}

const versions = new Map<Accelerator, string>();

/** State is read by the QEMU that wrote it alone; with KVM the guest has also seen which processor this machine has. */
function machineVersion(accel: Accelerator): string {
  return versions.getOrInsertComputed(accel, () => {
    const processor = accel === "kvm" ? readFileSync("/proc/cpuinfo", "utf8").split("\n\n", 1).join() : "";
    return qemuVersion() + processor.replaceAll(/^(?:cpu MHz|processor|core id|apicid|initial apicid)\b.*$/gmu, "");
  });
}
