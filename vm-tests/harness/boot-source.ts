import type { AccelVerdict } from "./accel.ts";
import type { LabImage } from "./lab.ts";
import { agentFile, agentFiles, overlayInitrd } from "./overlay-initrd.ts";
import type { NodeSpec } from "./topology.ts";

/** What the firmware of a node is given to start; nothing when it is to ask the network. */
export type BootSource = {
  readonly kernel?: string;
  readonly initrd?: string;
  /** Without the node's own words. */
  readonly cmdline: string;
};

/**
 * What a node boots: the image with our agent as a service, or a kernel and an initramfs of its own, which has the agent as
 * /extra/usr/lib/netloom-agent for its init to start. The image's initramfs fits its own kernel only.
 */
export async function bootSource(
  spec: NodeSpec,
  { image, agent, accel }: { readonly image: LabImage; readonly agent: string; readonly accel: AccelVerdict },
): Promise<BootSource> {
  if (spec.boot === "network") return { cmdline: "" };
  const lab = labCmdline(accel, spec);
  const imageKernel = spec.screen === true ? (image.vmlinuz ?? image.vmlinux) : image.vmlinux;
  const withAgent = spec.agent !== false;
  if (!ownBoot(spec)) {
    const initrd = withAgent ? await overlayInitrd(image.initrd, await agentFiles(agent)) : image.initrd;
    // The image keeps warnings of its kernel quiet; a lab judges them.
    return { kernel: imageKernel, initrd, cmdline: `${lab} ${image.cmdline} loglevel=5` };
  }
  const initrd = withAgent ? await overlayInitrd(spec.initrd, [await agentFile(agent)]) : spec.initrd;
  return { kernel: spec.kernel ?? imageKernel, cmdline: lab, ...(initrd === undefined ? {} : { initrd }) };
}

/** True when a node does not boot the image. */
export function ownBoot({ kernel, initrd, boot }: NodeSpec): boolean {
  return kernel !== undefined || initrd !== undefined || boot === "network";
}

/** Words for an emulated guest, which waits for the host as well as for itself. */
const emulated = ["mitigations=off", "no_timer_check", "rcupdate.rcu_cpu_stall_timeout=300", "watchdog_thresh=60"].join(
  " ",
);

/**
 * The last console is that of programs. An emulated processor does not speculate: guarding against that costs it a tenth of the
 * boot and protects nothing. Its timer works, but on a busy host too late for the kernel's test of it: that then takes a timer
 * which makes the whole boot ten times as long, and that of all clones if it was a template. What the kernel takes for a
 * stall after seconds is most often its host at work elsewhere: it shall be sure of it before a console rule is broken.
 */
function labCmdline({ accel }: AccelVerdict, { screen }: NodeSpec): string {
  const consoles = screen === true ? "console=tty0 console=ttyS0" : "console=ttyS0";
  return accel === "tcg" ? `${consoles} ${emulated}` : consoles;
}
